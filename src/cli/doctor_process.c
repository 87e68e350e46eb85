/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why one process cannot be traced, and what is wrong with it. */
#define _GNU_SOURCE
#include "doctor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool tracer(int pid)
{
	char name[64], text[160];
	enum tracer_kind kind;
	int by = process_tracer(pid, name, sizeof(name), &kind);

	if (!by) {
		doctor_row(VERDICT_OK, "tracer", "nobody traces it", NULL);
		return false;
	}
	if (kind != TRACER_IS_NATIVE) {
		snprintf(text, sizeof(text), "process %d holds it for tools of 'trapline run'", by);
		doctor_row(
			VERDICT_OK, "tracer", text,
			"trapline trace, probe and regs share it; others by trapline run -- TOOL");
		return true;
	}
	snprintf(text, sizeof(text), "process %d (%s) traces it, and a kernel allows only one", by,
		 name);
	doctor_row(VERDICT_BAD, "tracer", text, "detach or end that one");
	return true;
}

static void state(int pid)
{
	char value[64];

	if (!proc_status_field(pid, "State", value, sizeof(value)))
		return;
	if (value[0] == 'Z')
		doctor_row(VERDICT_BAD, "state", "a zombie: it has ended",
			   "its parent has to wait for it");
	else if (value[0] == 'T')
		doctor_row(VERDICT_NOTE, "state", value, "kill -CONT would let it run");
	else
		doctor_row(VERDICT_OK, "state", value, NULL);
}

static void owner(int pid)
{
	char value[64], text[128];
	long uid;

	if (!proc_status_field(pid, "Uid", value, sizeof(value)))
		return;
	uid = strtol(value, NULL, 10);
	snprintf(text, sizeof(text), "user %ld; you are %ld", uid, (long)geteuid());
	if (geteuid() == 0 || uid == (long)geteuid())
		doctor_row(VERDICT_OK, "owner", text, NULL);
	else
		doctor_row(VERDICT_BAD, "owner", text, "sudo");
}

/* /proc/PID belongs to root when the process is not dumpable, whoever owns the process. */
static void dumpable(int pid)
{
	char path[40], value[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	if (stat(path, &st) < 0 || !proc_status_field(pid, "Uid", value, sizeof(value)))
		return;
	if (st.st_uid != 0 || strtol(value, NULL, 10) == 0)
		doctor_row(VERDICT_OK, "dumpable", "yes", NULL);
	else
		doctor_row(geteuid() ? VERDICT_BAD : VERDICT_NOTE, "dumpable",
			   "no: it was setuid, or said so by prctl(PR_SET_DUMPABLE)", "sudo");
}

static void filters(int pid)
{
	char mode[16], nnp[16] = "";

	if (!proc_status_field(pid, "Seccomp", mode, sizeof(mode)))
		return;
	proc_status_field(pid, "NoNewPrivs", nnp, sizeof(nnp));
	doctor_row(VERDICT_OK, "seccomp",
		   strcmp(mode, "0") ? "it runs under a filter: that does not hinder tracing"
				     : "no filter",
		   NULL);
	if (!strcmp(nnp, "1"))
		doctor_row(VERDICT_OK, "no_new_privs", "set: setuid programs gain nothing", NULL);
}

static void text(int pid, bool repair)
{
	int n = tl_leftover_breakpoints(pid, repair, NULL, NULL);
	char line[160];

	if (n == -EACCES || n == -EPERM) {
		doctor_row(VERDICT_NOTE, "text", "cannot be read", "sudo");
	} else if (n < 0) {
		doctor_row(VERDICT_NOTE, "text", strerror(-n), NULL);
	} else if (n == 0) {
		doctor_row(VERDICT_OK, "text", "as in its files", NULL);
	} else {
		snprintf(line, sizeof(line), "%d breakpoint%s that %s file%s %s not have%s", n,
			 n == 1 ? "" : "s", n == 1 ? "its" : "their", n == 1 ? "" : "s",
			 n == 1 ? "does" : "do", repair ? ": lifted" : "");
		doctor_row(repair ? VERDICT_OK : VERDICT_BAD, "text", line,
			   repair ? NULL : "if no debugger is at work, --repair restores the text");
	}
}

static tl_verdict repair_it(struct tl_engine *engine, struct tl_task *task,
			    const struct tl_event *ev)
{
	(void)ev;
	if (tl_task_repair(task) < 0)
		say("what was left in %d cannot be taken away", tl_task_tid(task));
	tl_engine_detach(engine);
	tl_session_detach_all(tl_task_session(task));
	return 0;
}

static const struct tl_engine_ops repairing = { .size = sizeof(repairing),
						.name = "repair",
						.quiesce = repair_it };

/* Of one task, when all are there. */
static void on_task(struct tl_session *session, struct tl_task *task, enum tl_origin origin,
		    void *data)
{
	struct tl_engine *engine;
	int r = 0;

	(void)session;
	(void)origin;
	if (tl_task_tid(task) != *(int *)data)
		return;
	r = tl_engine_attach(task, &repairing, NULL, TL_EVENTS(TL_EVENT_QUIESCE), &engine);
	if (r == 0)
		r = tl_engine_control(engine, TL_HOLD_REPORT);
	if (r < 0 && r != -EINPROGRESS)
		say("%d cannot be stopped: %s", *(int *)data, strerror(-r));
}

static int take_away(int pid)
{
	struct tl_session_options so = { .size = sizeof(so), .on_task = on_task, .data = &pid };
	struct tl_session *session;
	int r = tl_session_new(&so, &session);

	if (r < 0)
		return r;
	r = tl_session_attach(session, pid);
	if (r == 0)
		r = tl_session_run(session);
	tl_session_free(session);
	return r;
}

/* Of a trapline's that was killed. */
static void leftovers(int pid, bool repair)
{
	int r = doctor_leftovers(pid) ? 1 : 0;

	if (!r)
		return;
	if (!repair) {
		doctor_row(VERDICT_BAD, "trapline",
			   "one that was killed has left memory and a handler",
			   "--repair removes them, and so does the next probe");
		return;
	}
	r = take_away(pid);
	if (r < 0)
		doctor_row(VERDICT_BAD, "trapline",
			   "what one that was killed has left cannot be removed", strerror(-r));
	else if (doctor_leftovers(pid))
		doctor_row(VERDICT_NOTE, "trapline",
			   "one that was killed has left memory that a thread may still use",
			   "try it again later");
	else
		doctor_row(VERDICT_OK, "trapline", "what one that was killed has left: removed",
			   NULL);
}

void doctor_process(int pid, bool repair)
{
	char name[64];
	bool traced;

	if (kill(pid, 0) < 0 && errno == ESRCH) {
		doctor_row(VERDICT_BAD, "process", "there is none of this number", NULL);
		return;
	}
	proc_name(pid, name, sizeof(name));
	doctor_row(VERDICT_OK, "process", name, NULL);
	state(pid);
	traced = tracer(pid);
	owner(pid);
	dumpable(pid);
	filters(pid);
	if (traced && repair)
		doctor_row(VERDICT_BAD, "repair", "not while somebody traces it",
			   "its breakpoints may be wanted");
	else {
		leftovers(pid, repair);
		text(pid, repair);
	}
}
