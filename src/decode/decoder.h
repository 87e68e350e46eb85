/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The decoder as the public facade uses it. */
#ifndef TL_DECODE_DECODER_H
#define TL_DECODE_DECODER_H

#include "strbuf.h"
#include "trapline/decode.h"

struct tl__decoder {
	uint32_t flags, max_string;
	struct tl__strbuf text;
};

unsigned tl__abi_word(enum tl_abi abi);
void tl__decode_entry(struct tl__decoder *d, const struct tl_syscall *call,
		      const struct tl_source *source, struct tl_decode_state *state);
void tl__decode_exit(struct tl__decoder *d, const struct tl_syscall *call,
		     const struct tl_source *source, const struct tl_decode_state *state);
void tl__decode_result(struct tl__decoder *d, const struct tl_syscall *call,
		       const struct tl_source *source);
bool tl__decode_argument(struct tl__decoder *d, const struct tl_syscall *call,
			 const struct tl_source *source, unsigned index, bool at_exit);
bool tl__decode_touches(const struct tl_syscall *call, const struct tl_source *source,
			const char *path);
void tl__decode_siginfo(struct tl__decoder *d, const void *info);
const char *tl__decoder_text(struct tl__decoder *d);

/* lookup.c */
const char *tl__syscall_name(enum tl_abi abi, int64_t nr);
int tl__syscall_number(enum tl_abi abi, const char *name);
const char *tl__syscall_nearest(const char *name);
uint32_t tl__class_bit(const char *name);
const char *tl__class_name(size_t index);
uint32_t tl__syscall_classes(enum tl_abi abi, int64_t nr);
unsigned tl__syscall_nargs(enum tl_abi abi, int64_t nr);
unsigned tl__syscall_raw(enum tl_abi abi, int64_t nr);
const char *tl__signal_name(int sig);
int tl__signal_number(const char *name);

#endif
