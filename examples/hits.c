/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts how often a program comes by a place: hits SPEC CMD ARGS..., as hits libc:malloc ls. */
#include <stdio.h>
#include <trapline/trapline.h>

extern char **environ;
static unsigned long hits;

static void on_hit(struct tl_probe *probe, struct tl_task *task, const struct tl_place *place,
		   const struct tl_hit *hit)
{
	(void)probe;
	(void)task;
	(void)place;
	(void)hit;
	hits++;
}

static void on_placed(struct tl_probe *probe, const struct tl_place *place,
		      enum tl_site_state state, int error, const char *why)
{
	(void)error;
	if (state == TL_SITE_REFUSED)
		fprintf(stderr, "%s: not at %#llx of %s: %s\n", tl_probe_spec(probe),
			(unsigned long long)place->ip, place->module, why);
}

static const struct tl_probe_ops ops = { .size = sizeof(ops), .hit = on_hit, .placed = on_placed };

static void on_task(struct tl_session *session, struct tl_task *task, enum tl_origin origin,
		    void *data)
{
	(void)session;
	if (tl_prober_attach(data, task, origin) < 0)
		fprintf(stderr, "cannot follow %d\n", tl_task_tid(task));
}

int main(int argc, char **argv)
{
	struct tl_session_options so = { .size = sizeof(so), .on_task = on_task };
	struct tl_spawn_options po = { .size = sizeof(po), .argv = argv + 2, .envp = environ };
	struct tl_session *session;
	struct tl_prober *prober;
	struct tl_probe *probe;
	struct tl_task *task;

	if (argc < 3 || tl_prober_new(&prober) < 0)
		return 2;
	so.data = prober;
	po.path = argv[2];
	if (tl_probe_add(prober, argv[1], &ops, NULL, &probe) < 0) {
		fprintf(stderr, "not a place: %s\n", argv[1]);
		return 2;
	}
	if (tl_session_new(&so, &session) < 0 || tl_session_spawn(session, &po, &task) < 0 ||
	    tl_session_run(session) < 0)
		return 1;
	printf("%lu hits in %zu places\n", hits, tl_probe_places(probe, NULL));
	tl_session_free(session);
	tl_prober_free(prober);
	return 0;
}
