/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stops at the entry points of all programs that a command runs: entry_point CMD ARGS... */
#include <elf.h>
#include <stdio.h>
#include <trapline/trapline.h>

extern char **environ;

static void on_hit(struct tl_site *site, struct tl_task *task, const struct tl_hit *hit)
{
	printf("process %d begins at %#llx\n", tl_task_pid(task), (unsigned long long)hit->ip);
	tl_site_remove(site);
}

static void on_changed(struct tl_site *site, enum tl_site_state state, int error, const char *why)
{
	(void)error;
	if (state == TL_SITE_REFUSED)
		printf("no site at %#llx: %s\n", (unsigned long long)tl_site_address(site), why);
}

static const struct tl_site_ops site_ops = { .size = sizeof(site_ops),
					     .hit = on_hit,
					     .changed = on_changed };

/* The program is what is mapped first. */
static tl_verdict on_exec(struct tl_engine *engine, struct tl_task *task,
			  const struct tl_event *event)
{
	struct tl_mapping map = { .size = sizeof(map) };
	struct tl_maps *maps;
	struct tl_site *site;
	Elf64_Ehdr header;

	(void)engine;
	(void)event;
	if (tl_maps_new(task, &maps) < 0)
		return 0;
	if (tl_maps_next(maps, &map) &&
	    tl_task_read_mem(task, map.start, &header, sizeof(header)) == sizeof(header)) {
		tl_addr base = header.e_type == ET_DYN ? map.start : 0;

		if (tl_site_add(task, base + header.e_entry, &site_ops, NULL, &site) < 0)
			printf("no memory\n");
	}
	tl_maps_free(maps);
	return 0;
}

static const struct tl_engine_ops ops = { .size = sizeof(ops),
					  .name = "entry-point",
					  .exec = on_exec };

int main(int argc, char **argv)
{
	struct tl_session_options so = { .size = sizeof(so) };
	struct tl_spawn_options po = {
		.size = sizeof(po), .path = argv[1], .argv = argv + 1, .envp = environ
	};
	struct tl_session *session;
	struct tl_engine *engine;
	struct tl_task *task;

	if (argc < 2 || tl_session_new(&so, &session) < 0)
		return 2;
	if (tl_session_spawn(session, &po, &task) < 0 ||
	    tl_engine_attach(task, &ops, NULL, TL_EVENTS(TL_EVENT_EXEC), &engine) < 0)
		return 1;
	if (tl_session_run(session) < 0)
		return 1;
	tl_session_free(session);
	return 0;
}
