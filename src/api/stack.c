/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public: stacks. Gathers what image needs from the task. */
#include "api.h"

#include "unwind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tl_unwinder {
	struct tl__unwinder *u;
	char *maps;
};

enum { MAPS_MOST = 4 << 20 };

int tl_unwinder_new(struct tl_unwinder **ret_unwinder)
{
	struct tl_unwinder *unwinder = calloc(1, sizeof(*unwinder));

	if (!unwinder)
		return -ENOMEM;
	unwinder->u = tl__unwinder_new();
	unwinder->maps = malloc(MAPS_MOST);
	if (!unwinder->u || !unwinder->maps) {
		tl_unwinder_free(unwinder);
		return -ENOMEM;
	}
	*ret_unwinder = unwinder;
	return 0;
}

void tl_unwinder_free(struct tl_unwinder *unwinder)
{
	if (!unwinder)
		return;
	tl__unwinder_free(unwinder->u);
	free(unwinder->maps);
	free(unwinder);
}

static bool read_word(void *data, uint64_t addr, uint64_t *word)
{
	struct tl_task *task = data;
	const struct tl__arch *arch = tl__regs_arch(task);

	*word = 0;
	return arch && tl__mem_read(task, addr, word, arch->word) == arch->word;
}

int tl_stack_walk(struct tl_unwinder *unwinder, struct tl_task *task,
		  int (*on_frame)(const struct tl_frame *frame, void *data), void *data)
{
	struct tl__unwind_input in = { .read_word = read_word, .data = task };
	int r;
	const struct tl__arch *arch = tl__api_arch(task, &r);
	ssize_t n;

	if (!arch)
		return r;
	if (!arch->dwarf_regs)
		return -EOPNOTSUPP;
	in.nregs = arch->dwarf_regs(task->regs, task->regs_len, in.regs);
	in.pc = arch->get_ip(task->regs, task->regs_len);
	n = task->session->sys->ops->proc_read(task->session->sys, task->tid, TL__PROC_MAPS,
					       unwinder->maps, MAPS_MOST);
	if (n <= 0)
		return -ESRCH;
	in.pid = task->process->tgid;
	in.serial = task->serial;
	in.maps = unwinder->maps;
	in.maps_len = (size_t)n;
	return tl__err_public(tl__unwind(unwinder->u, &in, on_frame, data));
}
