/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A probe on every instruction of large functions: what the program prints is the same, and each
 * instruction's hits are what stepping through the program counts.
 *
 * Usage: test_torture [-i] SPEC... -- PROGRAM ARGS...
 * PROGRAM's work lies between a write to -1 and one to -2. -i: the probes are enabled for that
 * alone.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <trapline/trapline.h>
#include <unistd.h>

extern char **environ;

enum { BEGIN = -1, END = -2, ROOM = 1 << 20 };

/* By address, which is the same in both runs. */
static struct count {
	uint64_t ip, hits, steps;
	const struct tl_probe *probe; /* of several that mean it */
	const char *where;
	uint64_t offset;
} * counts;
static size_t ncounts, refused, stepped;

static struct {
	struct tl_session *session;
	struct tl_prober *prober;
	struct tl_task *task;
	struct tl_probe *probes[16];
	int nprobes;
	bool stepping, inside, inside_alone;
	uint64_t last;
	int status, output[2];
	char printed[2][64];
} run;

static struct count *at(uint64_t ip)
{
	uint64_t i = ip * 0x9e3779b97f4a7c15u >> 44;

	while (counts[i % ROOM].ip && counts[i % ROOM].ip != ip)
		i++;
	return &counts[i % ROOM];
}

static void on_hit(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
		   const struct tl_hit *hit)
{
	struct count *c = at(hit->ip);

	(void)task;
	(void)place;
	if (run.inside && c->probe == probe)
		c->hits++;
}

static void on_placed(struct tl_probe *probe, const struct tl_place *place,
		      enum tl_site_state state, int error, const char *why)
{
	struct count *c = at(place->ip);

	if (state == TL_SITE_REFUSED) {
		refused++;
		printf("refused: %s+%#llx: %s (%d)\n", place->symbol,
		       (unsigned long long)place->offset, why, error);
	}
	if (state != TL_SITE_ARMED || c->ip)
		return;
	c->ip = place->ip;
	c->probe = probe;
	c->where = strdup(place->symbol);
	c->offset = place->offset;
	ncounts++;
}

static const struct tl_probe_ops probe_ops = { .size = sizeof(probe_ops),
					       .hit = on_hit,
					       .placed = on_placed };

static uint64_t pc(struct tl_task *task)
{
	static const char *const names[] = { "rip", "eip", "pc" };
	uint64_t v = 0;

	for (int i = 0; i < 3; i++)
		if (tl_task_read_reg(task, names[i], &v) == 0)
			return v;
	return 0;
}

/* A step ends behind each round of a repeated instruction. */
static bool is_repeated(struct tl_task *task, uint64_t ip)
{
	uint8_t byte[4];

	if (tl_abi_native(64) != TL_ABI_X86_64 || ip != run.last ||
	    tl_task_read_mem(task, ip, byte, sizeof(byte)) != sizeof(byte))
		return false;
	for (int i = 0; i < 4; i++)
		if ((byte[i] & 0xfe) == 0xf2)
			return true;
	return false;
}

static tl_verdict on_step(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	uint64_t ip = pc(task);
	struct count *c = at(ip);

	(void)e;
	(void)ev;
	if (!run.inside)
		return 0;
	if (c->ip && !is_repeated(task, ip))
		c->steps++;
	run.last = ip;
	stepped++;
	return TL_STEP_SINGLE;
}

static void enter(bool inside)
{
	run.inside = inside;
	for (int i = 0; run.inside_alone && i < run.nprobes; i++)
		tl_probe_enable(run.probes[i], inside);
}

static tl_verdict on_call(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	const char *name = tl_syscall_name(ev->syscall.abi, ev->syscall.nr);
	int32_t fd = (int32_t)ev->syscall.args[0];
	bool mark = name && !strcmp(name, "write") && (fd == BEGIN || fd == END);

	(void)e;
	if (mark && fd == BEGIN && ev->type == TL_EVENT_SYSCALL_EXIT) {
		enter(true);
		/* Where the first step begins. */
		if (run.stepping && at(pc(task))->ip)
			at(pc(task))->steps++;
	}
	if (mark && fd == END && run.inside)
		enter(false);
	return run.inside && run.stepping ? TL_STEP_SINGLE : 0;
}

static tl_verdict on_death(struct tl_engine *e, struct tl_task *task, const struct tl_event *ev)
{
	(void)e;
	(void)task;
	run.status = ev->exit.status;
	return 0;
}

static const struct tl_engine_ops ops = { .size = sizeof(ops),
					  .name = "torture",
					  .step = on_step,
					  .syscall_entry = on_call,
					  .syscall_exit = on_call,
					  .death = on_death };

static void on_task(struct tl_session *s, struct tl_task *task, enum tl_origin origin, void *data)
{
	struct tl_engine *e;

	(void)s;
	(void)data;
	if ((run.prober && tl_prober_attach(run.prober, task, origin) < 0) ||
	    tl_engine_attach(task, &ops, NULL, TL_EVENTS_ALL & ~TL_EVENTS(TL_EVENT_HANDLER), &e) <
		    0)
		abort();
}

/* The program's standard output, as a file of ours. */
static void one_run(char **argv, char **specs, char printed[64])
{
	struct tl_session_options so = { .size = sizeof(so), .on_task = on_task };
	struct tl_spawn_options o = {
		.size = sizeof(o), .path = argv[0], .argv = argv, .envp = environ
	};
	FILE *out = tmpfile();
	int saved = dup(1);

	run.inside = false;
	run.status = -1;
	if (!out || saved < 0 || tl_session_new(&so, &run.session) < 0)
		abort();
	if (specs && tl_prober_new(&run.prober) < 0)
		abort();
	for (run.nprobes = 0; specs && *specs; specs++) {
		struct tl_probe **probe = &run.probes[run.nprobes++];

		if (run.nprobes > 16 ||
		    tl_probe_add(run.prober, *specs, &probe_ops, NULL, probe) < 0)
			abort();
		tl_probe_enable(*probe, !run.inside_alone);
	}
	fflush(stdout);
	dup2(fileno(out), 1);
	if (tl_session_spawn(run.session, &o, &run.task) < 0)
		abort();
	dup2(saved, 1);
	close(saved);
	if (tl_session_run(run.session) != 0)
		abort();
	tl_session_free(run.session);
	tl_prober_free(run.prober);
	run.prober = NULL;
	rewind(out);
	if (!fgets(printed, 64, out))
		printed[0] = '\0';
	fclose(out);
}

static int compare(void)
{
	size_t executed = 0, wrong = 0;
	uint64_t total = 0;

	for (size_t i = 0; i < ROOM; i++) {
		const struct count *c = &counts[i];

		executed += c->hits > 0;
		total += c->hits;
		if (c->hits == c->steps)
			continue;
		if (wrong++ < 20)
			printf("FAIL %s+%#llx: %llu hits, %llu steps\n", c->where,
			       (unsigned long long)c->offset, (unsigned long long)c->hits,
			       (unsigned long long)c->steps);
	}
	printf("%zu instructions, %zu refused, %zu executed, %llu hits, %zu steps, %zu wrong\n",
	       ncounts, refused, executed, (unsigned long long)total, stepped, wrong);
	return wrong || !executed;
}

int main(int argc, char **argv)
{
	char printed[2][64], **program = argv;

	while (program < argv + argc && strcmp(*program, "--") != 0)
		program++;
	if (argc < 4 || program >= argv + argc - 1)
		return 2;
	*program++ = NULL;
	if (argv[1] && !strcmp(argv[1], "-i")) {
		run.inside_alone = true;
		argv++;
		argc--;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	counts = calloc(ROOM, sizeof(*counts));
	if (!counts || personality(ADDR_NO_RANDOMIZE) < 0)
		return 1;
	one_run(program, argv + 1, printed[0]);
	if (run.status == 3 << 8) {
		printf("FAIL the library is not there\n");
		return 1;
	}
	run.stepping = true;
	one_run(program, NULL, printed[1]);
	if (strcmp(printed[0], printed[1]) != 0 || !printed[0][0] || run.status) {
		printf("FAIL printed %s, stepped through %s\n", printed[0], printed[1]);
		return 1;
	}
	return compare();
}
