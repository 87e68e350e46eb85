/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages: what was tried, on which pid, why it failed, what would help. */
#define _GNU_SOURCE
#include "cli.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool progress;

void say_over_progress(bool shown)
{
	progress = shown;
}

void say(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	/* One write, so that lines of a tracee do not come between. */
	va_start(ap, fmt);
	n = snprintf(line, sizeof(line), "%strapline: ", progress ? "\r\033[K" : "");
	progress = false;
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (write(2, line, (size_t)n) < 0)
		return;
}

static int yama_level(void)
{
	char text[16];

	if (read_small_file("/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)) < 0)
		return 0;
	return atoi(text);
}

/* who: "", or the tool that it is about and a space. */
static bool explain_tracer(const char *who, int pid)
{
	enum tracer_kind kind;
	char name[64];
	int tracer = process_tracer(pid, name, sizeof(name), &kind);

	if (!tracer)
		return false;
	switch (kind) {
	case TRACER_IS_SERVER:
		say("%scannot attach to %d: process %d (%s) holds it for tools of another user, "
		    "outside of this container, or of another version of trapline. 'trapline ps' "
		    "of that user, there, shows who traces it",
		    who, pid, tracer, name);
		break;
	case TRACER_ON_BROKER:
		say("%scannot attach to %d: process %d (%s) traces it by itself, and does not "
		    "share it: it is another user's, has executed a program since, or was in the "
		    "middle of something for too long. Try again, or end it and start it anew",
		    who, pid, tracer, name);
		break;
	case TRACER_IS_NATIVE:
		say("%scannot attach to %d: it is traced by process %d (%s), and the kernel allows "
		    "one tracer. Detach or end that one first; started by 'trapline run -- %s', "
		    "it would share",
		    who, pid, tracer, name, name);
	}
	return true;
}

static bool explain_owner(const char *who, int pid)
{
	char value[64];
	long uid;

	if (!proc_status_field(pid, "Uid", value, sizeof(value)))
		return false;
	uid = strtol(value, NULL, 10);
	if (geteuid() == 0 || uid == (long)geteuid())
		return false;
	say("%scannot attach to %d: it belongs to user %ld, you are %ld. Run trapline as that user "
	    "(or as root, with sudo)",
	    who, pid, uid, (long)geteuid());
	return true;
}

static bool explain_yama(const char *who, int pid)
{
	switch (yama_level()) {
	case 1:
		say("%scannot attach to %d: Yama's ptrace_scope is 1, so only an ancestor "
		    "may trace it. Start it under trapline, run trapline with sudo, or: "
		    "echo 0 | sudo tee /proc/sys/kernel/yama/ptrace_scope",
		    who, pid);
		return true;
	case 2:
		say("%scannot attach to %d: Yama's ptrace_scope is 2, so only root may trace. Use "
		    "sudo",
		    who, pid);
		return true;
	case 3:
		say("%scannot attach to %d: Yama's ptrace_scope is 3: no process may be "
		    "attached to until the next boot",
		    who, pid);
		return true;
	default:
		return false;
	}
}

static bool is_zombie(int pid)
{
	char value[16];

	return proc_status_field(pid, "State", value, sizeof(value)) && value[0] == 'Z';
}

static bool explain_refusal(const char *who, int pid)
{
	return explain_tracer(who, pid) || explain_owner(who, pid) ||
	       (geteuid() && explain_yama(who, pid));
}

void explain_attach_failure(int pid, int err)
{
	if (is_zombie(pid)) {
		say("cannot attach to %d: it is a zombie, its parent has yet to wait for it", pid);
		return;
	}
	if (err == -ESRCH) {
		say("cannot attach to %d: no such process", pid);
		return;
	}
	if (err == -EEXIST) {
		say("cannot attach to %d: it is traced by this trapline already", pid);
		return;
	}
	if (pid == getpid()) {
		say("cannot attach to %d: that is trapline itself", pid);
		return;
	}
	if (err == -EPERM && explain_refusal("", pid))
		return;
	say("cannot attach to %d: %s. 'trapline doctor %d' looks for the reason", pid,
	    strerror(-err), pid);
}

/*
 * What a tool asks of itself, or twice, natively fails as well, without a word of ours. So does
 * what it asks of a zombie: of a leader that has ended before its threads, each tracer does.
 */
bool explain_tools_failure(int tool, int pid)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
	enum tracer_kind kind;
	char name[64], who[96];

	proc_name(tool, name, sizeof(name));
	/* This command tells of itself. And we must not wait for a reader. */
	if (!strcmp(name, "trapline") || tool == pid || is_zombie(pid) ||
	    process_tracer(pid, who, sizeof(who), &kind) == getpid() || poll(&out, 1, 0) != 1 ||
	    !(out.revents & POLLOUT))
		return false;
	snprintf(who, sizeof(who), "%s (%d) ", name, tool);
	return explain_refusal(who, pid);
}
