/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a tool of 32 bits sees, in its own layouts. Pure. */
#ifndef TL_BROKER_NARROW_H
#define TL_BROKER_NARROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Requests for registers that are a register set's: its note and size. */
bool tl__narrow_set(uint32_t request, bool x86, uint32_t *note, size_t *size, bool *writes);
/* Words of the general set, at most; bytes of it. */
enum { TL__NARROW_WORDS = 18 };
size_t tl__narrow_general_size(bool x86);
/* PEEKUSER and POKEUSER: a word of the general set, at this offset of it; of the 64-bit user area;
 * one that is 0 and stays so; or none. */
enum tl__user_word { TL__USER_GENERAL, TL__USER_WIDE, TL__USER_NOTHING, TL__USER_NOWHERE };
enum tl__user_word tl__narrow_user(uint64_t addr, bool x86, size_t *in_set, uint64_t *in_user);

enum { TL__NARROW_INFO = 128 };
/* struct siginfo, to the layout of 32 bits (kernel/signal.c, copy_siginfo_to_external32) and back.
 */
void tl__narrow_info(const void *wide, void *narrow);
void tl__widen_info(const void *narrow, void *wide);

#endif
