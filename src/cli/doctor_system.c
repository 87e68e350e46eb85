/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands in the way of tracing on this machine, whatever the process. */
#define _GNU_SOURCE
#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { CAP_SYS_PTRACE_BIT = 19 };

static bool can_trace_others(void)
{
	char value[64];

	return proc_status_field(getpid(), "CapEff", value, sizeof(value)) &&
	       strtoull(value, NULL, 16) >> CAP_SYS_PTRACE_BIT & 1;
}

static void yama(void)
{
	static const char *const levels[] = {
		"0: any process of yours",
		"1: only descendants, and what asked for it by PR_SET_PTRACER",
		"2: only with CAP_SYS_PTRACE",
		"3: no attaching at all until the next boot",
	};
	char text[16];
	unsigned level;

	if (read_small_file("/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)) < 0) {
		doctor_row(VERDICT_OK, "yama", "not in this kernel: no restriction", NULL);
		return;
	}
	level = (unsigned)atoi(text);
	level = level > 3 ? 3 : level;
	doctor_row(level == 0 || (level < 3 && can_trace_others()) ? VERDICT_OK : VERDICT_BAD,
		   "yama", levels[level],
		   level == 0 || (level < 3 && can_trace_others()) ? NULL
		   : level == 3 ? "only a reboot with another kernel.yama.ptrace_scope helps"
				: "start the program under trapline, or use sudo, or: "
				  "sysctl kernel.yama.ptrace_scope=0");
}

static void capabilities(void)
{
	if (can_trace_others())
		doctor_row(VERDICT_OK, "capability", "CAP_SYS_PTRACE: processes of all users",
			   NULL);
	else
		doctor_row(VERDICT_NOTE, "capability", "no CAP_SYS_PTRACE: your own processes only",
			   "sudo, for the processes of others");
}

static void seccomp(void)
{
	char mode[16], filters[16] = "";

	if (!proc_status_field(getpid(), "Seccomp", mode, sizeof(mode)))
		return;
	proc_status_field(getpid(), "Seccomp_filters", filters, sizeof(filters));
	if (!strcmp(mode, "0"))
		doctor_row(VERDICT_OK, "seccomp", "no filter on this shell", NULL);
	else
		doctor_row(VERDICT_NOTE, "seccomp",
			   "a filter is in place (a container?): some calls may be refused",
			   "docker: --cap-add SYS_PTRACE, or --security-opt seccomp=unconfined");
}

static void user_namespace(void)
{
	char map[128];

	if (read_small_file("/proc/self/uid_map", map, sizeof(map)) < 0)
		return;
	if (strtoul(map + strspn(map, " "), NULL, 10) == 0 && strstr(map, "4294967295"))
		doctor_row(VERDICT_OK, "user namespace", "the initial one", NULL);
	else
		doctor_row(VERDICT_NOTE, "user namespace",
			   "a nested one: processes outside of it cannot be traced",
			   "trace from the host for those");
}

/* The one question that counts, put to the kernel. */
static void exercise(void)
{
	char path[] = "/bin/true", *argv[] = { path, NULL }, *envp[] = { NULL };
	struct tl_session_options so = { .size = sizeof(so), .flags = TL_SESSION_NO_PLACE };
	struct tl_spawn_options po = {
		.size = sizeof(po), .path = path, .argv = argv, .envp = envp
	};
	struct tl_session *session;
	struct tl_task *task;
	int r = tl_session_new(&so, &session);

	if (r == 0) {
		r = tl_session_spawn(session, &po, &task);
		if (r == 0)
			r = tl_session_run(session);
		tl_session_free(session);
	}
	if (r == 0)
		doctor_row(VERDICT_OK, "exercise", "started, traced and ended a program", NULL);
	else
		doctor_row(VERDICT_BAD, "exercise", strerror(-r),
			   "ptrace itself is refused: a container's seccomp profile, or a security "
			   "module");
}

void doctor_system(void)
{
	struct utsname u;
	char text[256];

	if (uname(&u) == 0) {
		snprintf(text, sizeof(text), "%s %s %s", u.sysname, u.release, u.machine);
		doctor_row(VERDICT_OK, "kernel", text, NULL);
	}
	exercise();
	yama();
	capabilities();
	seccomp();
	user_namespace();
}
