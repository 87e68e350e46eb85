/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a static probe says that its arguments are, in the assembler's words: "-4@%edi 8@16(%rsp)".
 */
#ifndef TL_PROBE_OPERAND_H
#define TL_PROBE_OPERAND_H

#include <stdbool.h>
#include <stdint.h>

struct tl__operand {
	uint8_t size; /* in bytes */
	bool is_signed;
	bool known; /* else in a form that is not read, as floating point */
	bool in_memory, has_base, has_index;
	uint8_t shift;          /* of a register's part: ah */
	char base[8], index[8]; /* whole registers, by their names */
	unsigned scale;
	int64_t number; /* itself, or what is added to the registers */
};

/* The next one of a list, at *at. False: there are no more. machine: EM_*. Pure. */
bool tl__operand_next(uint16_t machine, const char **at, struct tl__operand *ret);

#endif
