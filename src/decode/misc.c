/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Printers: ioctl, io_uring, bpf, perf, System V, seccomp and what is left. */
#define _GNU_SOURCE
#include "names.h"
#include "printers.h"

#include <asm/ioctls.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#define PRINTER(name) void tl__p_##name(struct tl__ctx *c, const struct tl__arg *a, uint64_t v)

static void ioctl_unknown(struct tl__ctx *c, uint32_t cmd)
{
	static const char *const dirs[] = { "_IOC_NONE", "_IOC_WRITE", "_IOC_READ",
					    "_IOC_READ|_IOC_WRITE" };

	tl__printf(c, "_IOC(%s, ", dirs[cmd >> 30]);
	tl__strbuf_hex(c->out, cmd >> 8 & 0xff);
	tl__puts(c, ", ");
	tl__strbuf_hex(c->out, cmd & 0xff);
	tl__puts(c, ", ");
	tl__strbuf_hex(c->out, cmd >> 16 & 0x3fff);
	tl__puts(c, ")");
}

PRINTER(ioctl_cmd)
{
	const char *name = tl__name_of(&tl__n_ioctl, (uint32_t)v);

	(void)a;
	if (name)
		tl__puts(c, name);
	else
		ioctl_unknown(c, (uint32_t)v);
}

static void winsize(struct tl__ctx *c, uint64_t v)
{
	uint16_t w[4];

	if (tl__fetch(c, v, w, sizeof(w)))
		tl__printf(c, "{ws_row=%u, ws_col=%u, ws_xpixel=%u, ws_ypixel=%u}", w[0], w[1],
			   w[2], w[3]);
}

static void termios(struct tl__ctx *c, uint64_t v)
{
	struct {
		uint32_t flags[4];
		uint8_t line, cc[19];
	} t;

	if (!tl__fetch(c, v, &t, sizeof(t)))
		return;
	tl__printf(c, "{c_iflag=%#x, c_oflag=%#x, c_cflag=%#x, c_lflag=%#x", t.flags[0], t.flags[1],
		   t.flags[2], t.flags[3]);
	if (!(c->flags & TL_DECODE_VERBOSE)) {
		tl__puts(c, ", ...}");
		return;
	}
	tl__printf(c, ", c_line=%u, c_cc=\"", t.line);
	for (int i = 0; i < 19; i++)
		tl__printf(c, "\\x%02x", t.cc[i]);
	tl__puts(c, "\"}");
}

/* Commands without an argument: none is shown. */
bool tl__ioctl_bare(uint32_t cmd)
{
	return cmd == FIOCLEX || cmd == FIONCLEX || cmd == TIOCNOTTY || cmd == TIOCEXCL ||
	       cmd == TIOCNXCL;
}

PRINTER(ioctl_arg)
{
	struct tl__arg plain = { 0 };

	(void)a;
	if (tl__ioctl_bare((uint32_t)c->call->args[1]))
		return;
	switch ((uint32_t)c->call->args[1]) {
	case TCGETS:
		if (tl__failed(c))
			tl__addr(c, v);
		else
			termios(c, v);
		break;
	case TIOCGWINSZ:
		if (tl__failed(c))
			tl__addr(c, v);
		else
			winsize(c, v);
		break;
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		termios(c, v);
		break;
	case TIOCSWINSZ:
		winsize(c, v);
		break;
	case FIONREAD:
	case FIONBIO:
	case FIOASYNC:
	case TIOCGPGRP:
	case TIOCSPGRP:
	case TIOCGSID:
		tl__p_int_ptr(c, &plain, v);
		break;
	default:
		tl__strbuf_hex(c->out, v);
		break;
	}
}

PRINTER(io_uring_params)
{
	uint32_t p[10];

	(void)a;
	if (!tl__fetch(c, v, p, sizeof(p)))
		return;
	tl__puts(c, "{flags=");
	tl__flags(c, &tl__n_io_uring_setup, p[2]);
	tl__printf(c, ", sq_thread_cpu=%u, sq_thread_idle=%u", p[3], p[4]);
	if (!c->exiting || tl__failed(c)) {
		tl__puts(c, "}");
		return;
	}
	tl__printf(c, ", sq_entries=%u, cq_entries=%u, features=", p[0], p[1]);
	tl__flags(c, &tl__n_io_uring_features, p[5]);
	uint32_t o[20];
	if (tl__read(c, v + 40, o, sizeof(o)))
		tl__printf(c,
			   ", sq_off={head=%u, tail=%u, ring_mask=%u, ring_entries=%u, flags=%u, "
			   "dropped=%u, array=%u}, cq_off={head=%u, tail=%u, ring_mask=%u, "
			   "ring_entries=%u, overflow=%u, cqes=%u, flags=%u}",
			   o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[10], o[11], o[12], o[13],
			   o[14], o[15], o[16]);
	tl__puts(c, "}");
}

static void bpf_head(struct tl__ctx *c, const union bpf_attr *b, uint32_t cmd)
{
	switch (cmd) {
	case BPF_MAP_CREATE:
		tl__puts(c, "map_type=");
		tl__enum(c, &tl__n_bpf_map, b->map_type);
		tl__printf(c, ", key_size=%u, value_size=%u, max_entries=%u", b->key_size,
			   b->value_size, b->max_entries);
		break;
	case BPF_PROG_LOAD:
		tl__puts(c, "prog_type=");
		tl__enum(c, &tl__n_bpf_prog, b->prog_type);
		tl__printf(c, ", insn_cnt=%u, insns=", b->insn_cnt);
		tl__addr(c, b->insns);
		tl__puts(c, ", license=");
		tl__string_at(c, b->license);
		break;
	case BPF_MAP_LOOKUP_ELEM:
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_DELETE_ELEM:
	case BPF_MAP_GET_NEXT_KEY:
		tl__printf(c, "map_fd=%u, key=", b->map_fd);
		tl__addr(c, b->key);
		tl__puts(c, ", value=");
		tl__addr(c, b->value);
		break;
	case BPF_OBJ_PIN:
	case BPF_OBJ_GET:
		tl__puts(c, "pathname=");
		tl__path_at(c, b->pathname);
		tl__printf(c, ", bpf_fd=%u", b->bpf_fd);
		break;
	default:
		tl__puts(c, "...");
		break;
	}
}

PRINTER(bpf_attr)
{
	uint32_t size = (uint32_t)c->call->args[2];
	union bpf_attr b;

	(void)a;
	memset(&b, 0, sizeof(b));
	if (size > sizeof(b))
		size = sizeof(b);
	if (!size || !tl__fetch(c, v, &b, size))
		return;
	tl__puts(c, "{");
	bpf_head(c, &b, (uint32_t)c->call->args[0]);
	tl__puts(c, "}");
}

PRINTER(perf_attr)
{
	struct perf_event_attr p;

	(void)a;
	memset(&p, 0, sizeof(p));
	if (!tl__fetch(c, v, &p, PERF_ATTR_SIZE_VER0))
		return;
	tl__puts(c, "{type=");
	tl__enum(c, &tl__n_perf_type, p.type);
	tl__printf(c,
		   ", size=%#x, config=%#llx, sample_period=%llu, sample_type=%#llx, "
		   "read_format=%#llx",
		   p.size, (unsigned long long)p.config, (unsigned long long)p.sample_period,
		   (unsigned long long)p.sample_type, (unsigned long long)p.read_format);
	if (p.disabled)
		tl__puts(c, ", disabled=1");
	if (p.inherit)
		tl__puts(c, ", inherit=1");
	tl__puts(c, ", ...}");
}

static void sembuf(struct tl__ctx *c, const uint8_t *at)
{
	uint16_t num;
	int16_t op, flg;

	memcpy(&num, at, 2);
	memcpy(&op, at + 2, 2);
	memcpy(&flg, at + 4, 2);
	tl__printf(c, "{sem_num=%u, sem_op=%d, sem_flg=", num, op);
	tl__flags(c, &tl__n_sem_flags, (uint16_t)flg);
	tl__puts(c, "}");
}

PRINTER(sembuf)
{
	tl__array(c, v, c->call->args[a->len - 1], 6, sembuf);
}

/* Flags and permissions in one number: IPC_CREAT|0600. */
PRINTER(ipc_flags)
{
	uint32_t f = (uint32_t)v & ~0777u;

	if (f) {
		tl__flags(c, a->aux, f);
		tl__puts(c, "|");
	}
	tl__printf(c, "%#03o", (unsigned)v & 0777);
}

PRINTER(ipc_cmd)
{
	uint32_t cmd = (uint32_t)v;

	if (c->word == 4 || cmd & 0x100) {
		if (cmd & 0x100) {
			tl__puts(c, "IPC_64|");
			cmd &= ~0x100u;
		}
	}
	tl__enum(c, a->aux, cmd);
}

PRINTER(msgbuf)
{
	uint8_t raw[8];
	uint64_t n = a->out ? (uint64_t)c->call->ret : c->call->args[a->len - 1];

	if (a->out && tl__failed(c)) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, raw, c->word))
		return;
	tl__printf(c, "{mtype=%" PRId64 ", mtext=", (int64_t)tl__read_word(c, raw));
	tl__bytes_at(c, v + c->word, n);
	tl__puts(c, "}");
}

PRINTER(seccomp_arg)
{
	(void)a;
	if ((uint32_t)c->call->args[0] == 1)
		tl__p_sock_fprog(c, a, v);
	else
		tl__addr(c, v);
}

PRINTER(mq_attr)
{
	int64_t m[4];

	if ((a->out && tl__failed(c)) || c->word != 8) {
		tl__addr(c, v);
		return;
	}
	if (!tl__fetch(c, v, m, sizeof(m)))
		return;
	tl__puts(c, "{mq_flags=");
	if (m[0])
		tl__open_flags(c, (uint32_t)m[0]);
	else
		tl__puts(c, "0");
	tl__printf(c, ", mq_maxmsg=%" PRId64 ", mq_msgsize=%" PRId64 ", mq_curmsgs=%" PRId64 "}",
		   m[1], m[2], m[3]);
}

PRINTER(syslog_action)
{
	tl__enum(c, a->aux, (uint32_t)v);
}

NAMES(ioctl, NULL, X(0x5401, "TCGETS"), X(0x5402, "TCSETS"), X(0x5403, "TCSETSW"),
      X(0x5404, "TCSETSF"), X(0x5405, "TCGETA"), X(0x5406, "TCSETA"), X(0x5409, "TCSBRK"),
      X(0x540a, "TCXONC"), X(0x540b, "TCFLSH"), X(0x540c, "TIOCEXCL"), X(0x540d, "TIOCNXCL"),
      X(0x540e, "TIOCSCTTY"), X(0x540f, "TIOCGPGRP"), X(0x5410, "TIOCSPGRP"), X(0x5411, "TIOCOUTQ"),
      X(0x5412, "TIOCSTI"), X(0x5413, "TIOCGWINSZ"), X(0x5414, "TIOCSWINSZ"), X(0x5415, "TIOCMGET"),
      X(0x541b, "FIONREAD"), X(0x541c, "TIOCLINUX"), X(0x5421, "FIONBIO"), X(0x5422, "TIOCNOTTY"),
      X(0x5429, "TIOCGSID"), X(0x5450, "FIONCLEX"), X(0x5451, "FIOCLEX"), X(0x5452, "FIOASYNC"),
      X(0x80045430, "TIOCGPTN"), X(0x40045431, "TIOCSPTLCK"), X(0x5441, "TIOCGPTPEER"),
      X(0x8910, "SIOCGIFNAME"), X(0x8912, "SIOCGIFCONF"), X(0x8913, "SIOCGIFFLAGS"),
      X(0x8914, "SIOCSIFFLAGS"), X(0x8915, "SIOCGIFADDR"), X(0x8927, "SIOCGIFHWADDR"),
      X(0x8933, "SIOCGIFINDEX"), X(0x8946, "SIOCETHTOOL"), X(0x8942, "SIOCGIFTXQLEN"),
      X(0x80081272, "BLKGETSIZE64"), X(0x1260, "BLKGETSIZE"), X(0x1268, "BLKSSZGET"),
      X(0x125e, "BLKROGET"), X(0x40049409, "BTRFS_IOC_CLONE or FICLONE"),
      X(0x4020940d, "FICLONERANGE"), X(0x80086601, "FS_IOC_GETFLAGS"),
      X(0x40086602, "FS_IOC_SETFLAGS"), X(0xc020660b, "FS_IOC_FIEMAP"),
      X(0x2400, "PERF_EVENT_IOC_ENABLE"), X(0x2401, "PERF_EVENT_IOC_DISABLE"),
      X(0x2403, "PERF_EVENT_IOC_RESET"), X(0xb701, "NS_GET_USERNS"), X(0xb702, "NS_GET_PARENT"),
      X(0x5331, "CDROM_GET_CAPABILITY"), X(0xae00, "KVM_GET_API_VERSION"),
      X(0xae01, "KVM_CREATE_VM"), X(0xae03, "KVM_CHECK_EXTENSION"), X(0xae80, "KVM_RUN"),
      X(0x400454ca, "TUNSETIFF"));
