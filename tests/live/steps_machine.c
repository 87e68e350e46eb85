/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the test of the step contract knows of machines, and does to programs beside trapline. */
#define _GNU_SOURCE
#include "steps.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <unistd.h>
#if defined(__aarch64__)
#include <asm/ptrace.h>
#include <elf.h>
#endif

static const struct machine machines[] = {
	{ .abi = TL_ABI_X86_64,
	  .name = "x86-64",
	  .scratch = "r12",
	  .flags = "eflags",
	  .pc = "rip",
	  .sp = "rsp",
	  .carry = 1,
	  .trap_flag = 0x100,
	  .frame_flags = 8 + 40 + 8 * 17,
	  .constant = 0x202,
	  .value = 0x202,
	  .saved = { "r13", "r11" },
	  .break_len = 1,
	  .jump_len = 2,
	  .write = 1,
	  .getuid = 102 },
	{ .abi = TL_ABI_I386,
	  .name = "i386",
	  .scratch = "edi",
	  .flags = "eflags",
	  .pc = "eip",
	  .sp = "esp",
	  .carry = 1,
	  .trap_flag = 0x100,
	  .frame_flags = 16 + 128 + 20 + 64,
	  .constant = 0x202,
	  .value = 0x202,
	  .saved = { "esi", NULL },
	  .break_len = 1,
	  .jump_len = 2,
	  .write = 4,
	  .getuid = 24 },
	{ .abi = TL_ABI_ARM64,
	  .name = "arm64",
	  .scratch = "x20",
	  .flags = "pstate",
	  .pc = "pc",
	  .sp = "sp",
	  .carry = 1u << 29,
	  .trap_flag = 1u << 21,
	  .frame_flags = 128 + 176 + 8 + 8 * 33,
	  .constant = 0x1f,
	  .value = 0,
	  .jump_len = 4,
	  .write = 64,
	  .getuid = 174 },
	{ .abi = TL_ABI_ARM,
	  .name = "arm",
	  .scratch = "r8",
	  .flags = "cpsr",
	  .pc = "pc",
	  .sp = "sp",
	  .carry = 1u << 29,
	  .trap_flag = 1u << 21,
	  .frame_flags = 128 + 20 + 12 + 64,
	  .constant = 0x1f,
	  .value = 0x10,
	  .jump_len = 4,
	  .write = 4,
	  .getuid = 24 },
};
const struct machine *machine_of(enum tl_abi abi)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].abi == abi)
			return &machines[i];
	return NULL;
}

bool is_uml(void)
{
	static int known; /* 1: no, 2: yes */
	char text[64] = "";
	FILE *f = known ? NULL : fopen("/proc/cpuinfo", "r");

	if (f) {
		while (known != 2 && fgets(text, sizeof(text), f))
			known = strstr(text, "User Mode Linux") ? 2 : 1;
		fclose(f);
	}
	return known == 2;
}

uint64_t reg(const char *name)
{
	uint64_t v = 0;

	if (tl_task_read_reg(run.task, name, &v) < 0)
		snprintf(run.result, sizeof(run.result), "no register %s", name);
	return v;
}

void set_reg(const char *name, uint64_t value)
{
	if (tl_task_write_reg(run.task, name, value) < 0)
		snprintf(run.result, sizeof(run.result), "cannot write %s", name);
}

uint64_t pc(void)
{
	return reg(run.machine->pc);
}

static void say(const char *what)
{
	snprintf(run.result, sizeof(run.result), "%s", what);
}

void set_hardware_breakpoint(uint64_t at)
{
#if defined(__x86_64__)
	size_t dr = offsetof(struct user, u_debugreg);
	long r = ptrace(PTRACE_POKEUSER, tl_task_tid(run.task), dr + 7 * sizeof(long), 0);

	if (r == 0)
		r = ptrace(PTRACE_POKEUSER, tl_task_tid(run.task), dr, at);
	if (r == 0 && at)
		r = ptrace(PTRACE_POKEUSER, tl_task_tid(run.task), dr + 7 * sizeof(long), 1);
	if (r < 0)
		say("no debug registers");
#else
	struct user_hwdebug_state hw = { 0 };

	hw.dbg_regs[0].addr = at;
	hw.dbg_regs[0].ctrl = at ? 0x1e5 : 0;
	if (tl_task_write_regset(run.task, NT_ARM_HW_BREAK, &hw,
				 offsetof(struct user_hwdebug_state, dbg_regs[1])) < 0)
		say("no hardware breakpoints");
#endif
}

static bool uprobes_set;
static const char probe_events[] = "/sys/kernel/tracing/uprobe_events",
		  probe_enable[] = "/sys/kernel/tracing/events/step_cells/enable";

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | (strchr(text, ':') ? O_APPEND : O_TRUNC));
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

bool uprobes_possible(void)
{
	/* Nobody may have asked for it on this machine yet. */
	if (access(probe_events, F_OK) < 0 &&
	    mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL) < 0)
		return false;
	return access(probe_events, W_OK) == 0;
}

void uprobes_end(void)
{
	if (!uprobes_set)
		return;
	put(probe_enable, "0");
	put(probe_events, "-:step_cells/");
	uprobes_set = false;
}

void uprobes_begin(void)
{
	const uint64_t at[] = { run.label[Z], run.label[B], run.label[C] - run.machine->jump_len };
	unsigned long long start, end, offset;
	char text[4200], path[4096], line[4400];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", tl_task_tid(run.task));
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx-%llx %*s %llx %*s %*s %4095s", &start, &end, &offset,
			   path) != 4 ||
		    at[0] < start || at[0] >= end)
			continue;
		for (int i = 0; i < 3; i++) {
			snprintf(text, sizeof(text), "p:step_cells/p%d %s:%#llx", i, path,
				 (unsigned long long)at[i] - start + offset);
			uprobes_set |= put(probe_events, text);
		}
	}
	if (f)
		fclose(f);
	if (!uprobes_set || !put(probe_enable, "1"))
		say("no uprobes");
}

bool trap_is(const char *field)
{
	char path[64], line[256];
	bool set = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", tl_task_tid(run.task));
	f = fopen(path, "r");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, field, strlen(field)))
			set = strtoull(line + strlen(field), NULL, 16) >> (SIGTRAP - 1) & 1;
	fclose(f);
	return set;
}

bool is_asleep(void)
{
	char path[64], text[512], *p;
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tl_task_tid(run.task));
	f = fopen(path, "r");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	p = strrchr(text, ')');
	return p && p[2] == 'S';
}

/* On a loaded machine the call may end before the signal that was to break it. */
bool was_late(const struct cell *c, const char *got)
{
	const char *end = strstr(got, "step A"), *sig = strstr(got, "signal SIGWINCH");

	return run.walking && !strcmp(c->stop, "restart") && end && (!sig || sig > end);
}

bool info_is_right(const struct tl_event *ev, uint64_t at)
{
	const struct tl_signal *sig = &ev->signal;

	switch (sig->signo) {
	case SIGTRAP:
		return run.machine->break_len ? sig->code == SI_KERNEL
					      : sig->code == TRAP_BRKPT && sig->addr == at;
	case SIGILL:
		return sig->code > 0 && sig->code != SI_KERNEL && sig->addr == at;
	case SIGUSR1:
	case SIGWINCH:
		return sig->code == SI_TKILL && sig->pid == getpid();
	default:
		return false;
	}
}
