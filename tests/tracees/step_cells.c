/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stops of docs/step.md, each followed by the instructions A to E. Usage: step_cells STOP.
 * Begins with a write(-1, labels, length) that tells a tracer where they are. Built with TARGET, it
 * is what is executed: A to E alone.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NOP           "nop"
#define JUMP          "jmp "
#define CALL          "syscall"
#define BREAK         "int3"
#define NUMBER(nr)    "mov $" #nr ", %eax"
#define FIRST(value)  "mov $" #value ", %edi"
#define SECOND(value) "mov $" #value ", %esi"
#define THIRD(value)  "mov $" #value ", %edx"
#define SELF          "mov self(%rip), %edi"
#define PROGRAM       "mov target(%rip), %rdi"
#define N_GETPPID     110
#define N_GETUID      102
#define N_KILL        62
#define FORK          NUMBER(57)
#define VFORK         NUMBER(58)
#define CLONE         FIRST(0x100) "\n" SECOND(0) "\n" THIRD(0) "\n" NUMBER(56)
#define N_EXECVE      59
#define N_EXIT        231
#define SLEEPER       "lea duration(%rip), %rdi\n xor %esi, %esi\n" NUMBER(102) "\n syscall\n" NUMBER(35)
#define FAULT         "ud2"
/* r13: the flags as the program sees them. */
#define SAVE_FLAGS "pushf\n pop %r13"
#define INCREMENT  "lock incl self(%rip)"
#elif defined(__i386__)
#define NOP           "nop"
#define JUMP          "jmp "
#define CALL          "int $0x80"
#define BREAK         "int3"
#define NUMBER(nr)    "mov $" #nr ", %eax"
#define FIRST(value)  "mov $" #value ", %ebx"
#define SECOND(value) "mov $" #value ", %ecx"
#define THIRD(value)  "mov $" #value ", %edx"
#define SELF          "mov self, %ebx"
#define PROGRAM       "mov target, %ebx"
#define N_GETPPID     64
#define N_GETUID      24
#define N_KILL        37
#define FORK          NUMBER(2)
#define VFORK         NUMBER(190)
#define CLONE         FIRST(0x100) "\n" SECOND(0) "\n" THIRD(0) "\n" NUMBER(120)
#define N_EXECVE      11
#define N_EXIT        252
#define SLEEPER       "mov $duration, %ebx\n xor %ecx, %ecx\n" NUMBER(24) "\n int $0x80\n" NUMBER(162)
#define FAULT         "ud2"
/* esi: the flags as the program sees them. */
#define SAVE_FLAGS    "pushf\n pop %esi"
#define INCREMENT     "lock incl self"
#elif defined(__arm__)
#define NOP           "nop"
#define JUMP          "b "
#define CALL          "svc #0"
#define BREAK         ".inst 0xe7f001f0"
#define NUMBER(nr)    "mov r7, #" #nr
#define FIRST(value)  "mov r0, #" #value
#define SECOND(value) "mov r1, #" #value
#define THIRD(value)  "mov r2, #" #value
#define LOAD(name)    "movw r0, #:lower16:" name "\n movt r0, #:upper16:" name "\n ldr r0, [r0]"
#define SELF          LOAD("self")
#define PROGRAM       LOAD("target")
#define N_GETPPID     64
#define N_GETUID      24
#define N_KILL        37
#define FORK          NUMBER(2)
#define VFORK         NUMBER(190)
#define CLONE         FIRST(0x100) "\n" SECOND(0) "\n" THIRD(0) "\n" NUMBER(120)
#define N_EXECVE      11
#define N_EXIT        248
#define SLEEPER                                                                                    \
	"movw r5, #:lower16:duration\n movt r5, #:upper16:duration\n" SECOND(0) "\n" FIRST(        \
		0) "\n" NUMBER(162) "\n svc #0\n mov r0, r5"
#define FAULT      "udf #0"
#define SAVE_FLAGS "mrs r6, cpsr\n nop"
#define INCREMENT                                                                                  \
	"movw r0, #:lower16:self\n movt r0, #:upper16:self\n"                                      \
	"1: ldrex r1, [r0]\n add r1, r1, #1\n strex r2, r1, [r0]\n cmp r2, #0\n bne 1b"
#elif defined(__aarch64__)
#define NOP           "nop"
#define JUMP          "b "
#define CALL          "svc #0"
#define BREAK         "brk #0"
#define NUMBER(nr)    "mov x8, #" #nr
#define FIRST(value)  "mov x0, #" #value
#define SECOND(value) "mov x1, #" #value
#define THIRD(value)  "mov x2, #" #value
#define SELF          "adrp x0, self\n ldr w0, [x0, :lo12:self]"
#define PROGRAM       "adrp x0, target\n ldr x0, [x0, :lo12:target]"
#define N_GETPPID     173
#define N_GETUID      174
#define N_KILL        129
#define FORK          FIRST(17) "\n" SECOND(0) "\n" NUMBER(220)
#define VFORK         FIRST(0x4111) "\n" SECOND(0) "\n" NUMBER(220)
#define CLONE         FIRST(0x100) "\n" SECOND(0) "\n" THIRD(0) "\n" NUMBER(220)
#define N_EXECVE      221
#define N_EXIT        94
#define SLEEPER                                                                                    \
	"adrp x20, duration\n add x20, x20, :lo12:duration\n" SECOND(0) "\n" FIRST(0) "\n" NUMBER( \
		101) "\n svc #0\n mov x0, x20"
#define FAULT      "udf #0"
#define SAVE_FLAGS "mrs x21, nzcv\n nop"
#define INCREMENT                                                                                  \
	"adrp x0, self\n add x0, x0, :lo12:self\n"                                                 \
	"1: ldxr w1, [x0]\n add w1, w1, #1\n stxr w2, w1, [x0]\n cbnz w2, 1b"
#endif

#define NUMBER_(nr) NUMBER(nr)
#if defined(__arm__)
#define RETURN "bx lr"
#else
#define RETURN "ret"
#endif

/* The program of docs/step.md. */
#define TAIL(name)                                                                                 \
	name "_a: " NOP "\n" name "_b: " NUMBER_(N_GETPPID) "\n" JUMP name "_c\n" name "_c: " CALL \
							    "\n" name "_d: " NOP "\n" name         \
							    "_e: " BREAK "\n" JUMP "done\n"

#define SCENE(name, before, at)                                                                    \
	__asm__(".text\n.globl do_" name "\ndo_" name ":\n" before "\n" name "_z: " at             \
		"\n" TAIL(name));

SCENE("call", NUMBER_(N_GETUID), CALL)
SCENE("plain", NUMBER_(N_GETUID) "\n" CALL, JUMP "plain_z")
SCENE("handled", SELF "\n" SECOND(10) "\n" NUMBER_(N_KILL), CALL)
SCENE("ignored", SELF "\n" SECOND(28) "\n" NUMBER_(N_KILL), CALL)
SCENE("group", SELF "\n" SECOND(19) "\n" NUMBER_(N_KILL), CALL)
SCENE("break", NOP, BREAK)
SCENE("fork", FORK, CALL)
SCENE("vfork", VFORK, CALL)
SCENE("clone", CLONE, CALL)
SCENE("exec", PROGRAM "\n" SECOND(0) "\n" THIRD(0) "\n" NUMBER_(N_EXECVE), CALL)
SCENE("step", NUMBER_(N_GETUID) "\n" CALL, NOP)
SCENE("fault", NUMBER_(N_GETUID) "\n" CALL, FAULT)
SCENE("flags", NUMBER_(N_GETUID) "\n" CALL, SAVE_FLAGS)
SCENE("exclusive", NUMBER_(N_GETUID) "\n" CALL, INCREMENT)
/* In front of a call that blocks for long: another, and one instruction. */
SCENE("sleep", SLEEPER, CALL)
SCENE("restart", SLEEPER, CALL)
SCENE("hardware", NUMBER_(N_GETUID) "\n" CALL, NOP)
SCENE("uprobe", NUMBER_(N_GETUID) "\n" CALL, NOP)
/* The second copy. */
SCENE("other", NOP, NOP)
/* clang-format off */
#ifdef TARGET
/* Another is all there is of the program that is executed. */
__asm__(".globl _start\n.balign 64\n_start:\n" TAIL("start") ".balign 64\n" TAIL("second"));
#endif
__asm__(".globl done\ndone:\n" FIRST(0) "\n" NUMBER_(N_EXIT) "\n" CALL "\n");
__asm__(".globl handler\nhandler:\n" NOP "\n" RETURN "\n");
/* clang-format on */

void handler(int sig);

#define LABELS(name)                                                                               \
	extern const char name##_z[], name##_a[], name##_b[], name##_c[], name##_d[], name##_e[];  \
	void do_##name(void);
#define SPOTS(name)                                                                                \
	{                                                                                          \
		(uintptr_t) name##_z, (uintptr_t)name##_a, (uintptr_t)name##_b,                    \
			(uintptr_t)name##_c, (uintptr_t)name##_d, (uintptr_t)name##_e              \
	}
#define EACH(do)                                                                                               \
	do                                                                                                     \
	(call) do(plain) do(handled) do(ignored) do(group) do(break) do(fork) do(vfork) do(clone) do(exec) do( \
		step) do(fault) do(flags) do(exclusive) do(sleep) do(restart) do(hardware) do(uprobe) do(other)
EACH(LABELS)

int self __attribute__((visibility("hidden")));
const char *target __attribute__((visibility("hidden")));
const struct timespec duration __attribute__((visibility("hidden"))) = { .tv_nsec = 400000000 };

/* Z, A, B, C, D, E of the stop that is asked for and of the second copy, and H. */
static uint64_t labels[13];

struct scene {
	const char *name;
	uint64_t spots[6];
	void (*go)(void);
};
#define AS_SCENE(name) { #name, SPOTS(name), do_##name },

#ifndef TARGET
/* A system call filter of its own. */
static int let_all_pass(void)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0;
}

/* Nobody traces a child. */
static void trapped(int sig)
{
	(void)sig;
	_exit(0);
}

int main(int argc, char **argv)
{
	const struct scene scenes[] = { EACH(AS_SCENE) };
	const struct scene *scene = NULL;
	/* The frame with a siginfo, in all ABIs. */
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_SIGINFO };
	sigset_t traps;

	for (size_t i = 0; argc > 1 && i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		if (!strcmp(scenes[i].name, argv[1]))
			scene = &scenes[i];
		if (!strcmp(scenes[i].name, "other"))
			memcpy(labels + 6, scenes[i].spots, sizeof(scenes[i].spots));
	}
	if (!scene)
		return 2;
	memcpy(labels, scene->spots, sizeof(scene->spots));
	labels[12] = (uintptr_t)handler;
	self = getpid();
	target = argc > 2 ? argv[2] : "";
	/* The mask and the handler of a trap are the program's own, too. */
	sigemptyset(&traps);
	sigaddset(&traps, SIGTRAP);
	if (getenv("BLOCK_SIGTRAP"))
		sigprocmask(SIG_BLOCK, &traps, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	sa.sa_flags = 0;
	sa.sa_handler = trapped;
	sigaction(SIGTRAP, &sa, NULL);
	signal(SIGWINCH, SIG_IGN);
	if (getenv("OWN_FILTER") && let_all_pass())
		return 2;
	if (write(-1, labels, sizeof(labels)) == 0)
		return 2;
	scene->go();
	return 0;
}
#endif
