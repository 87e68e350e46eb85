/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Printers: times, timers, clocks. */
#define _GNU_SOURCE
#include "printers.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define PRINTER(name) void tl__p_##name(struct tl__ctx *c, const struct tl__arg *a, uint64_t v)

struct pair {
	int64_t sec, frac;
};

static bool decode_pair(const uint8_t *at, unsigned word, struct pair *p)
{
	int32_t narrow[2];

	if (word == 8) {
		memcpy(p, at, sizeof(*p));
		return true;
	}
	memcpy(narrow, at, sizeof(narrow));
	p->sec = narrow[0];
	p->frac = narrow[1];
	return true;
}

static void put_pair(struct tl__ctx *c, const struct pair *p, bool nano)
{
	tl__printf(c, "{tv_sec=%" PRId64 ", tv_%s=%" PRId64 "}", p->sec, nano ? "nsec" : "usec",
		   p->frac);
}

static bool fetch_pair(struct tl__ctx *c, uint64_t addr, unsigned word, struct pair *p)
{
	uint8_t raw[16];

	if (!tl__fetch(c, addr, raw, word * 2))
		return false;
	return decode_pair(raw, word, p);
}

static void time_at(struct tl__ctx *c, uint64_t v, unsigned word, bool nano, bool out)
{
	struct pair p;

	if (out && tl__failed(c))
		tl__addr(c, v);
	else if (fetch_pair(c, v, word, &p))
		put_pair(c, &p, nano);
}

PRINTER(timespec)
{
	time_at(c, v, c->word, true, a->out);
}

PRINTER(timespec64)
{
	time_at(c, v, 8, true, a->out);
}

PRINTER(timeval)
{
	time_at(c, v, c->word, false, a->out);
}

/* What is left of a sleep: written only when a signal broke it. */
PRINTER(remaining)
{
	(void)a;
	if (c->call->ret == -4 || c->call->ret == -516)
		time_at(c, v, a->aux ? 8 : c->word, true, false);
	else
		tl__addr(c, v);
}

static void pair_list(struct tl__ctx *c, uint64_t v, unsigned word, bool nano, bool curly)
{
	uint8_t raw[32];
	struct pair p[2];

	if (!tl__fetch(c, v, raw, word * 4))
		return;
	decode_pair(raw, word, &p[0]);
	decode_pair(raw + word * 2, word, &p[1]);
	tl__puts(c, curly ? "{it_interval=" : "[");
	put_pair(c, &p[0], nano);
	tl__puts(c, curly ? ", it_value=" : ", ");
	put_pair(c, &p[1], nano);
	tl__puts(c, curly ? "}" : "]");
}

/* The calendar's time behind a number that nobody can read; nothing for 0. */
void tl__calendar(struct tl__ctx *c, int64_t seconds, int64_t nsec)
{
	time_t sec = (time_t)seconds;
	char text[64], zone[16];
	struct tm tm;

	if (!sec || !localtime_r(&sec, &tm) || !strftime(text, sizeof(text), "%FT%T", &tm))
		return;
	strftime(zone, sizeof(zone), "%z", &tm);
	tl__printf(c, " /* %s", text);
	if (nsec)
		tl__printf(c, ".%09" PRId64, nsec);
	tl__printf(c, "%s */", zone);
}

static void utime_element(struct tl__ctx *c, const struct pair *p)
{
	if (p->frac == 0x3fffffff) {
		tl__puts(c, "UTIME_NOW");
	} else if (p->frac == 0x3ffffffe) {
		tl__puts(c, "UTIME_OMIT");
	} else {
		put_pair(c, p, true);
		tl__calendar(c, p->sec, p->frac);
	}
}

static void utimes(struct tl__ctx *c, uint64_t v, unsigned word)
{
	uint8_t raw[32];
	struct pair p[2];

	if (!tl__fetch(c, v, raw, word * 4))
		return;
	decode_pair(raw, word, &p[0]);
	decode_pair(raw + word * 2, word, &p[1]);
	tl__puts(c, "[");
	utime_element(c, &p[0]);
	tl__puts(c, ", ");
	utime_element(c, &p[1]);
	tl__puts(c, "]");
}

PRINTER(utimensat)
{
	(void)a;
	utimes(c, v, c->word);
}

PRINTER(utimensat64)
{
	(void)a;
	utimes(c, v, 8);
}

PRINTER(timeval_pair)
{
	(void)a;
	pair_list(c, v, c->word, false, false);
}

PRINTER(utimbuf)
{
	struct pair p;

	(void)a;
	if (fetch_pair(c, v, c->word, &p))
		tl__printf(c, "{actime=%" PRId64 ", modtime=%" PRId64 "}", p.sec, p.frac);
}

PRINTER(itimerval)
{
	if (a->out && tl__failed(c))
		tl__addr(c, v);
	else
		pair_list(c, v, c->word, false, true);
}

PRINTER(itimerspec)
{
	if (a->out && tl__failed(c))
		tl__addr(c, v);
	else
		pair_list(c, v, c->word, true, true);
}

PRINTER(itimerspec64)
{
	if (a->out && tl__failed(c))
		tl__addr(c, v);
	else
		pair_list(c, v, 8, true, true);
}

PRINTER(timezone)
{
	int32_t z[2];

	(void)a;
	if (tl__failed(c))
		tl__addr(c, v);
	else if (tl__fetch(c, v, z, sizeof(z)))
		tl__printf(c, "{tz_minuteswest=%d, tz_dsttime=%d}", z[0], z[1]);
}

PRINTER(time_out)
{
	uint8_t raw[8];

	(void)a;
	if (tl__failed(c) || !v)
		tl__addr(c, v);
	else if (tl__fetch(c, v, raw, c->word))
		tl__printf(c, "[%" PRIu64 "]", tl__read_word(c, raw));
}

PRINTER(clock)
{
	int32_t id = (int32_t)v;

	if (id >= 0) {
		tl__enum(c, a->aux, (uint32_t)id);
		return;
	}
	/* A dynamic clock: of a descriptor, or the CPU time of a process or thread. */
	if ((id & 7) == 7)
		tl__printf(c, "%#x /* CLOCK_??? */", (uint32_t)id);
	else if ((id & 7) == 3)
		tl__printf(c, "FD_TO_CLOCKID(%d)", ~(id >> 3));
	else
		tl__printf(c, "MAKE_%s_CPUCLOCK(%d, %s)", id & 4 ? "THREAD" : "PROC", ~(id >> 3),
			   (id & 3) == 0   ? "CPUCLOCK_PROF"
			   : (id & 3) == 1 ? "CPUCLOCK_VIRT"
					   : "CPUCLOCK_SCHED");
}

PRINTER(tms)
{
	uint8_t raw[32];

	(void)a;
	if (tl__failed(c) || !v) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, raw, 4 * c->word))
		return;
	for (int i = 0; i < 4; i++) {
		static const char *const names[] = { "utime", "stime", "cutime", "cstime" };
		uint64_t ticks = tl__read_word(c, raw + (unsigned)i * c->word);

		tl__printf(c, "%stms_%s=%" PRIu64, i ? ", " : "{", names[i], ticks);
		if (ticks)
			tl__printf(c, " /* %" PRIu64 ".%02" PRIu64 " s */", ticks / 100,
				   ticks % 100);
	}
	tl__puts(c, "}");
}

PRINTER(timer_id)
{
	int32_t id;

	(void)a;
	if (tl__failed(c))
		tl__addr(c, v);
	else if (tl__fetch(c, v, &id, sizeof(id)))
		tl__printf(c, "[%d]", id);
}

PRINTER(sigevent)
{
	uint8_t raw[64];
	int32_t signo, notify, tid;

	(void)a;
	if (!tl__fetch(c, v, raw, 64))
		return;
	memcpy(&signo, raw + c->word, 4);
	memcpy(&notify, raw + c->word + 4, 4);
	memcpy(&tid, raw + c->word + 8, 4);
	tl__puts(c, "{sigev_value={sival_int=");
	int32_t value;
	memcpy(&value, raw, 4);
	tl__printf(c, "%d, sival_ptr=", value);
	tl__addr(c, tl__read_word(c, raw));
	tl__puts(c, "}, sigev_signo=");
	tl__signal(c, signo);
	tl__puts(c, ", sigev_notify=");
	tl__enum(c, &tl__n_sigev, (uint32_t)notify);
	if (notify == 4)
		tl__printf(c, ", sigev_notify_thread_id=%d", tid);
	tl__puts(c, "}");
}

PRINTER(timex)
{
	struct {
		uint32_t modes;
		int32_t pad;
		int64_t offset, freq, maxerror, esterror;
		int32_t status, pad2;
		int64_t constant, precision, tolerance, sec, usec, tick, ppsfreq, jitter;
		int32_t shift, pad3;
		int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
		int32_t tai;
	} t;

	(void)a;
	if (c->word != 8 || tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, &t, sizeof(t)))
		return;
	tl__puts(c, "{modes=");
	tl__flags(c, &tl__n_adjtime, t.modes);
	tl__printf(c,
		   ", offset=%" PRId64 ", freq=%" PRId64 ", maxerror=%" PRId64 ", esterror=%" PRId64
		   ", status=",
		   t.offset, t.freq, t.maxerror, t.esterror);
	tl__flags(c, &tl__n_adjtime_status, (uint32_t)t.status);
	tl__printf(c,
		   ", constant=%" PRId64 ", precision=%" PRId64 ", tolerance=%" PRId64
		   ", time={tv_sec=%" PRId64 ", tv_%s=%" PRId64 "}, tick=%" PRId64
		   ", ppsfreq=%" PRId64 ", jitter=%" PRId64,
		   t.constant, t.precision, t.tolerance, t.sec, "usec", t.usec, t.tick, t.ppsfreq,
		   t.jitter);
	tl__printf(c,
		   ", shift=%d, stabil=%" PRId64 ", jitcnt=%" PRId64 ", calcnt=%" PRId64
		   ", errcnt=%" PRId64 ", stbcnt=%" PRId64 ", tai=%d}",
		   t.shift, t.stabil, t.jitcnt, t.calcnt, t.errcnt, t.stbcnt, t.tai);
}
