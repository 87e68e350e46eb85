/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clone call that a task is in: whether it says CLONE_PTRACE. */
#define _GNU_SOURCE
#include "broker.h"

#include <sched.h>
#include <trapline/decode.h>

bool tl__makes_traced_child(struct tl_task *task)
{
	static const struct {
		enum tl_abi abi;
		const char *nr, *arg;
	} machines[] = { { TL_ABI_X86_64, "orig_rax", "rdi" },
			 { TL_ABI_I386, "orig_eax", "ebx" },
			 { TL_ABI_ARM64, "x8", "x0" },
			 { TL_ABI_ARM, "r7", "r0" } };
	uint64_t nr, arg;
	size_t i;

	for (i = 0; i < tl__array_len(machines); i++)
		if (tl_task_read_reg(task, machines[i].nr, &nr) == 0)
			break;
	if (i == tl__array_len(machines) || tl_task_read_reg(task, machines[i].arg, &arg) < 0)
		return false;
	if ((int64_t)nr == tl_syscall_number(machines[i].abi, "clone3") &&
	    tl_task_read_mem(task, arg, &arg, sizeof(arg)) != sizeof(arg))
		return false;
	else if ((int64_t)nr != tl_syscall_number(machines[i].abi, "clone3") &&
		 (int64_t)nr != tl_syscall_number(machines[i].abi, "clone"))
		return false;
	return arg & CLONE_PTRACE;
}
