/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An area's head and its handler, for one kind of program. */
#include "agent.h"

#include <string.h>

/* rt_sigaction(2), the same on the architectures that there are handlers for. */
#define SIGINFO  0x4u
#define RESTORER 0x04000000u
#define ONSTACK  0x08000000u
#define RESTART  0x10000000u

static const struct tl__agent_code *code_of(const struct tl__arch *arch)
{
	switch (arch->abi) {
	case TL_ABI_X86_64:
		return &tl__agent_x86_64;
	case TL_ABI_I386:
		return &tl__agent_i386;
	case TL_ABI_ARM64:
		return &tl__agent_arm64;
	default:
		return NULL;
	}
}

/* The kernel's struct sigaction: handler, flags, restorer, mask of 64 bits. */
static void put_action(uint8_t *to, uint8_t word, uint64_t code)
{
	const uint64_t fields[] = { code, SIGINFO | RESTORER | ONSTACK | RESTART,
				    code + TL__HEAD_RETURN };

	for (unsigned i = 0; i < 3; i++)
		memcpy(to + i * word, &fields[i], word);
	/* An area is never taken away under a handler that interrupted this one. */
	memset(to + 3u * word, 0xff, 8);
}

static void put_head(const struct tl__arch *arch, uint64_t start, struct tl__area_head *head)
{
	memcpy(head->magic, TL__AREA_MAGIC, sizeof(head->magic));
	head->version = TL__AREA_VERSION;
	head->machine = arch->view->e_machine;
	head->start = start;
}

bool tl__agent_image(const struct tl__arch *arch, uint64_t start, struct tl__agent_image *ret)
{
	const struct tl__agent_code *code = code_of(arch);

	memset(ret, 0, sizeof(*ret));
	if (!code)
		return false;
	put_head(arch, start, &ret->head);
	ret->head.ignore[0] = 1;
	put_action(ret->head.trap, arch->word, start + TL__HEAD_CODE);
	memcpy(ret->code, code->bytes, code->len);
	return true;
}

bool tl__agent_is(const struct tl__arch *arch, uint64_t start, const struct tl__area_head *head)
{
	struct tl__area_head ours = { .version = 0 };

	put_head(arch, start, &ours);
	return !memcmp(head, &ours, offsetof(struct tl__area_head, next));
}
