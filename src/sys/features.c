/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of kernel behaviours: name, explanation, lazily asked, overridable. */
#include "sys.h"

#include "compat.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name, *help;
} rows[TL__FEATURE_COUNT] = {
	[TL__FEATURE_SYSCALL_INFO] = { "syscall-info",
				       "PTRACE_GET_SYSCALL_INFO tells entry from exit" },
	[TL__FEATURE_SET_SYSCALL_INFO] = { "set-syscall-info",
					   "PTRACE_SET_SYSCALL_INFO changes a call" },
	[TL__FEATURE_SYSCALL_EVENTMSG] = { "syscall-eventmsg",
					   "GETEVENTMSG reads 1 at syscall entry and 2 at exit" },
	[TL__FEATURE_GETREGSET] = { "getregset", "register sets by note type" },
	[TL__FEATURE_SYSEMU] = { "sysemu", "PTRACE_SYSEMU stops at a call and skips it" },
	[TL__FEATURE_SINGLEBLOCK] = { "singleblock", "block-step runs to the next branch" },
	[TL__FEATURE_SECCOMP_TRACE] = { "seccomp-trace",
					"a filter can select the calls that stop" },
	[TL__FEATURE_PROCESS_VM] = { "process-vm", "process_vm_readv reads a tracee" },
	[TL__FEATURE_PROC_MEM_WRITE] = { "proc-mem-write", "/proc/PID/mem writes read-only text" },
	[TL__FEATURE_ARG0_FOLLOWS] = { "arg0-follows",
				       "filters and restarts use a first argument that was "
				       "written at the entry" },
};

const char *tl__feature_name(enum tl__feature feature)
{
	return rows[feature].name;
}

const char *tl__feature_help(enum tl__feature feature)
{
	return rows[feature].help;
}

int tl__feature_find(const char *name)
{
	for (size_t i = 0; i < tl__array_len(rows); i++)
		if (!strcmp(rows[i].name, name))
			return (int)i;
	return -ENOENT;
}

bool tl__sys_has(struct tl__sys *sys, enum tl__feature feature)
{
	if (!sys->features[feature])
		sys->features[feature] = sys->ops->feature(sys, feature) > 0 ? 2 : 1;
	return sys->features[feature] == 2;
}

void tl__sys_override(struct tl__sys *sys, enum tl__feature feature, bool present)
{
	sys->features[feature] = present ? 2 : 1;
}
