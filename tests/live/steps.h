/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the test of the step contract (test_steps.c) and what differs by machine. */
#ifndef STEPS_H
#define STEPS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <trapline/trapline.h>

struct cell {
	const char *stop, *written, *how, *next;
};

enum { Z, A, B, C, D, E, SECOND = 6, H = 12, LABELS };

/* What each kind of program has. */
struct machine {
	enum tl_abi abi;
	const char *name, *scratch, *flags, *pc, *sp;
	uint64_t carry, trap_flag;
	/* Where a handler's frame has the flags, from the stack pointer; some of them never differ.
	 */
	unsigned frame_flags;
	uint32_t constant, value;
	const char *saved[2];  /* registers that pushf and syscall have put them in */
	unsigned jump_len;     /* of the instruction in front of C */
	unsigned break_len;    /* how far behind a breakpoint the pc stands in its stop */
	int32_t write, getuid; /* calls */
};

/* The cell that is being run. */
extern struct run {
	const struct cell *cell;
	const struct machine *machine;
	const char *want;
	struct tl_session *session;
	struct tl_task *task;
	struct tl_engine *engine, *listener;
	uint64_t label[LABELS];
	bool told, near, armed, over, again, walking, blocked, sent;
	unsigned stops, waited;
	tl_verdict how;
	char result[512];
} run;

/* steps_machine.c */
const struct machine *machine_of(enum tl_abi abi);
bool is_uml(void);
uint64_t reg(const char *name);
void set_reg(const char *name, uint64_t value);
uint64_t pc(void);
/* At a place, or (0) nowhere. In the thread that traces. */
void set_hardware_breakpoint(uint64_t at);
/* Of the kernel's own, in the file, on three instructions: Z, B and the jump behind it. */
bool uprobes_possible(void);
void uprobes_begin(void);
void uprobes_end(void);
/* The program's own SIGTRAP: its mask and handler, a bit of /proc/TID/status. */
bool trap_is(const char *field);
/* In its call, and not in a stop. */
bool is_asleep(void);
bool was_late(const struct cell *c, const char *got);
/* Whose signal it is: the processor's, at this place, or ours. */
bool info_is_right(const struct tl_event *ev, uint64_t at);

#endif
