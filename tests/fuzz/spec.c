/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPECs of probes, with types and conditions; and the operands of static probes. */
#include "probe.h"

#include "operand.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct tl__spec spec;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (int i = 0; i < 3; i++) {
		static const uint16_t machines[] = { EM_X86_64, EM_386, EM_AARCH64 };
		const char *at = text;
		struct tl__operand o;

		while (tl__operand_next(machines[i], &at, &o))
			;
	}
	if (tl__spec_parse(text, &spec) == 0) {
		tl__spec_names_module(&spec, "/usr/lib/libc.so.6", true);
		tl__spec_done(&spec);
	}
	free(text);
	return 0;
}
