/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stacks, by elfutils' libdwfl with callbacks of our own.
 *
 * libdwfl would attach to the process itself; it is handed the registers and memory that the
 * session has instead. What it read of a process (modules, tables) is kept until its maps change.
 */
#include "unwind.h"

#include "symbols.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tl__unwinder {
	Dwfl *dwfl;
	pid_t pid;
	char *maps; /* that the modules were made from */
	size_t maps_len;
	const struct tl__unwind_input *in; /* while walking */
	int (*on_frame)(const struct tl_frame *, void *);
	void *data;
	int seen;
};

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_linux_proc_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
};

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	struct tl__unwinder *u = arg;

	(void)dwfl;
	if (*thread_arg)
		return 0;
	*thread_arg = u;
	return u->pid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
	(void)dwfl;
	(void)tid;
	*thread_arg = arg;
	return true;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *arg)
{
	struct tl__unwinder *u = arg;
	uint64_t word;

	(void)dwfl;
	if (!u->in->read_word(u->in->data, addr, &word))
		return false;
	*result = word;
	return true;
}

static bool set_initial_registers(Dwfl_Thread *thread, void *arg)
{
	struct tl__unwinder *u = arg;
	Dwarf_Word regs[32];

	for (unsigned i = 0; i < u->in->nregs; i++)
		regs[i] = u->in->regs[i];
	dwfl_thread_state_register_pc(thread, u->in->pc);
	return dwfl_thread_state_registers(thread, 0, u->in->nregs, regs);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = memory_read,
	.set_initial_registers = set_initial_registers,
};

struct tl__unwinder *tl__unwinder_new(void)
{
	return calloc(1, sizeof(struct tl__unwinder));
}

static void forget(struct tl__unwinder *u)
{
	if (u->dwfl)
		dwfl_end(u->dwfl);
	free(u->maps);
	u->dwfl = NULL;
	u->maps = NULL;
}

void tl__unwinder_free(struct tl__unwinder *u)
{
	if (!u)
		return;
	forget(u);
	free(u);
}

static int report(struct tl__unwinder *u, const struct tl__unwind_input *in)
{
	FILE *maps = fmemopen(in->maps, in->maps_len, "r");
	int r;

	if (!maps)
		return -ENOMEM;
	dwfl_report_begin(u->dwfl);
	r = dwfl_linux_proc_maps_report(u->dwfl, maps);
	fclose(maps);
	dwfl_report_end(u->dwfl, NULL, NULL);
	return r ? -EIO : 0;
}

static int prepare(struct tl__unwinder *u, const struct tl__unwind_input *in)
{
	int r;

	if (u->dwfl && u->pid == in->pid && u->maps_len == in->maps_len &&
	    !memcmp(u->maps, in->maps, in->maps_len))
		return 0;
	forget(u);
	u->pid = in->pid;
	u->maps = malloc(in->maps_len + 1);
	u->dwfl = dwfl_begin(&callbacks);
	if (!u->maps || !u->dwfl) {
		forget(u);
		return -ENOMEM;
	}
	memcpy(u->maps, in->maps, in->maps_len);
	u->maps_len = in->maps_len;
	r = report(u, in);
	if (r == 0 && !dwfl_attach_state(u->dwfl, NULL, in->pid, &thread_callbacks, u))
		r = -EOPNOTSUPP;
	if (r < 0)
		forget(u);
	return r;
}

static int on_dwfl_frame(Dwfl_Frame *state, void *arg)
{
	struct tl__unwinder *u = arg;
	struct tl_frame frame = { .size = sizeof(frame), .index = (uint32_t)u->seen };
	Dwarf_Addr pc, start = 0;
	bool activation = false;
	Dwfl_Module *module;
	GElf_Sym sym;
	GElf_Off off = 0;
	char *demangled;
	int r;

	if (!dwfl_frame_pc(state, &pc, &activation))
		return DWARF_CB_ABORT;
	frame.ip = pc;
	/* A caller's pc is after its call: the call itself is one byte before. */
	module = dwfl_addrmodule(u->dwfl, pc - !activation);
	if (module) {
		frame.module = dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
		frame.symbol = dwfl_module_addrinfo(module, pc - !activation, &off, &sym, NULL,
						    NULL, NULL);
		frame.offset = frame.symbol ? off + !activation : pc - start;
	}
	demangled = frame.symbol ? tl__demangle(frame.symbol) : NULL;
	if (demangled)
		frame.symbol = demangled;
	u->seen++;
	r = u->on_frame(&frame, u->data);
	free(demangled);
	return r ? DWARF_CB_ABORT : DWARF_CB_OK;
}

int tl__unwind(struct tl__unwinder *u, const struct tl__unwind_input *in,
	       int (*on_frame)(const struct tl_frame *frame, void *data), void *data)
{
	int r = prepare(u, in);

	if (r < 0)
		return r;
	u->in = in;
	u->on_frame = on_frame;
	u->data = data;
	u->seen = 0;
	/* Its own answer is of no use: an aborted walk has shown frames as well. */
	dwfl_getthread_frames(u->dwfl, in->pid, on_dwfl_frame, u);
	u->in = NULL;
	return u->seen;
}
