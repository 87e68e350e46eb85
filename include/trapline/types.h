/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scalars and forward declarations that all of trapline's headers share. */
#ifndef TRAPLINE_TYPES_H
#define TRAPLINE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every public function: exported, and its result may not be dropped unseen. */
#define TL_API     __attribute__((visibility("default")))
#define TL_CHECKED TL_API __attribute__((warn_unused_result))

/* An address in a tracee. Never a pointer of ours. */
typedef uint64_t tl_addr;

/* The ABI of one system call, which need not be that of the program: 64-bit code may issue int
 * $0x80. */
enum tl_abi {
	TL_ABI_UNSPEC = 0,
	TL_ABI_X86_64 = 1,
	TL_ABI_I386 = 2,
	TL_ABI_X32 = 3,
	TL_ABI_ARM64 = 4,
	TL_ABI_ARM = 5,
};

/* Names a task for good: thread ids are recycled, serials are not. */
struct tl_task_id {
	int32_t tid;
	uint32_t reserved;
	uint64_t serial;
};

struct tl_session;
struct tl_task;
struct tl_engine;

/*
 * "x86_64", "i386", "x32", "arm64", "arm"; "unknown" for anything else. May be used anywhere.
 */
TL_API const char *tl_abi_name(enum tl_abi abi);

/*
 * The ABI of this machine's programs of 64 or (anything else) 32 bits: TL_ABI_X86_64 and
 * TL_ABI_I386, or TL_ABI_ARM64 and TL_ABI_ARM. May be used anywhere.
 */
TL_API enum tl_abi tl_abi_native(unsigned bits);

/* The index'th general register of this ABI by name; NULL past the last. May be used anywhere. */
TL_API const char *tl_abi_register(enum tl_abi abi, size_t index);

#ifdef __cplusplus
}
#endif
#endif
