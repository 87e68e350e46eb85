/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a typed stop to the events that engines see, and what their dispositions do to the stop. */
#include "core.h"

#include <errno.h>
#include <string.h>

static void report_entry(struct tl_task *task)
{
	struct tl_event ev = { .type = TL_EVENT_SYSCALL_ENTRY };

	task->skip_ret = -ENOSYS;
	tl__place_entry(task);
	tl__dispatch(task, &ev);
	if (ev.action & TL_SYSCALL_SKIP)
		tl__syscall_skip(task);
}

static void report_step(struct tl_task *task, enum tl_step_kind kind)
{
	struct tl_event ev = { .type = TL_EVENT_STEP, .step = { .kind = kind } };

	tl__dispatch(task, &ev);
}

static void report_exit(struct tl_task *task)
{
	struct tl_event ev = { .type = TL_EVENT_SYSCALL_EXIT };
	/* Not one that is asked for here: that begins here. */
	bool stepped = tl__verdict_fold(task).step != TL_STEP_NONE;
	int64_t ret;

	if (task->skip_owed)
		tl__syscall_pay_skip(task);
	ret = task->call.ret;
	tl__place_exit(task);
	tl__restart_note(task);
	tl__judge_exit(task);
	tl__dispatch(task, &ev);
	if (task->call.ret == -EINTR && !(task->call.flags & TL_SYSCALL_SKIPPED) &&
	    !tl__syscall_is_sigreturn(task))
		tl__reissue_broken(task);
	task->call_valid = false;
	task->exit_wanted = false;
	/* Stepped over the call: for that engine this is the step's end, if it is not made again.
	 */
	if (stepped && !tl__is_restart_code(ret)) {
		task->stepped_out = true;
		report_step(task, TL_STEP_KIND_SYSCALL);
	}
}

static void report_signal(struct tl_task *task)
{
	struct tl_event ev = { .type = TL_EVENT_SIGNAL };

	task->deliver = task->stop.sig;
	tl__dispatch(task, &ev);
	if (ev.action & TL_SIGNAL_IGNORE)
		task->deliver = 0;
	tl__reissue_broken(task);
}

static void report_handler(struct tl_task *task)
{
	struct tl_event ev = { .type = TL_EVENT_HANDLER };

	tl__signal_from_info(task->stop.info, task->stop.sig, &ev.signal);
	tl__dispatch(task, &ev);
	report_step(task, TL_STEP_KIND_SINGLE);
}

static void report_group_stop(struct tl_task *task, int sig)
{
	struct tl_event ev = { .type = TL_EVENT_GROUP_STOP, .group_stop = { .signo = sig } };

	tl__dispatch(task, &ev);
}

static void report_clone(struct tl_task *task)
{
	struct tl_event ev = { .type = TL_EVENT_CLONE };

	tl__lifecycle_birth(task, &ev);
}

static void report_exec(struct tl_task *task)
{
	struct tl_event ev = { .type = TL_EVENT_EXEC };
	uint64_t former = (uint64_t)task->tid;

	tl__pt_buf(task->session->sys, TL__PT_GETEVENTMSG, task->tid, 0, &former, sizeof(former));
	ev.exec.former_tid = (int32_t)former;
	/* An engine may put sites into the new program right away. */
	if (task->sited)
		task->session->site_hooks->execed(task);
	tl__dispatch(task, &ev);
}

static void report_leaving(struct tl_task *task)
{
	struct tl_event ev = { .type = TL_EVENT_EXIT };
	uint64_t status = 0;

	tl__pt_buf(task->session->sys, TL__PT_GETEVENTMSG, task->tid, 0, &status, sizeof(status));
	ev.exit.status = (int32_t)status;
	ev.exit.killed = status & 0x7f;
	ev.exit.core_dumped = status & 0x80;
	ev.exit.last_thread = task->process->tasks == 1;
	tl__dispatch(task, &ev);
}

static void report_seccomp(struct tl_task *task)
{
	struct tl_event ev = { .type = TL_EVENT_SECCOMP };
	uint64_t data = 0;

	tl__pt_buf(task->session->sys, TL__PT_GETEVENTMSG, task->tid, 0, &data, sizeof(data));
	ev.seccomp.data = (uint32_t)data;
	tl__dispatch(task, &ev);
}

/* The trap of an interrupt; or, of a seized task, what a SIGCONT makes (prepare_signal). */
static void report_trap(struct tl_task *task)
{
	struct tl_event ev = { .type = TL_EVENT_CONTINUED };

	if (task->group_stopped)
		report_group_stop(task, 0);
	else if (!task->stop.asked && !task->quiesce_owed)
		tl__dispatch(task, &ev);
	task->group_stopped = task->passes_group_stop = task->stops_anew = false;
}

void tl__report_stop(struct tl_task *task)
{
	struct tl_event done = { .type = TL_EVENT_VFORK_DONE };

	switch (task->stop.kind) {
	case TL__STOP_ENTRY:
		report_entry(task);
		break;
	case TL__STOP_EXIT:
		report_exit(task);
		break;
	case TL__STOP_SIGNAL:
		report_signal(task);
		break;
	case TL__STOP_HANDLER:
		report_handler(task);
		break;
	case TL__STOP_STEP:
		report_step(task, task->last_request == TL__PT_SINGLEBLOCK ? TL_STEP_KIND_BLOCK
									   : TL_STEP_KIND_SINGLE);
		break;
	case TL__STOP_GROUP:
		if (task->stops_anew)
			task->group_stopped = task->passes_group_stop = false;
		task->stops_anew = false;
		if (!task->group_stopped)
			report_group_stop(task, task->stop.sig);
		task->group_stopped = true;
		break;
	case TL__STOP_TRAP:
		report_trap(task);
		break;
	case TL__STOP_FORK:
	case TL__STOP_VFORK:
	case TL__STOP_CLONE:
		report_clone(task);
		break;
	case TL__STOP_VFORK_DONE:
		tl__dispatch(task, &done);
		break;
	case TL__STOP_EXEC:
		report_exec(task);
		break;
	case TL__STOP_EXIT_EVENT:
		report_leaving(task);
		break;
	case TL__STOP_SECCOMP:
		report_seccomp(task);
		break;
	default:
		break;
	}
}
