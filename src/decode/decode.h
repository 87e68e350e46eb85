/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside the decoder: the context that printers work in, and the vocabulary of printers that rows
 * name.
 *
 * A row of table.c says what each argument is; a printer says how that looks. Printers read through
 * the context only, and print an address where memory cannot be read, as strace does.
 */
#ifndef TL_DECODE_DECODE_H
#define TL_DECODE_DECODE_H

#include "strbuf.h"
#include "trapline/decode.h"

#include <stdint.h>

struct tl__ctx {
	struct tl__strbuf *out;
	const struct tl_syscall *call;
	const struct tl_source *source;
	uint32_t flags; /* TL_DECODE_* */
	uint32_t max_string;
	bool exiting;
	const struct tl_decode_state *before; /* at exit: what the entry kept; or NULL */
	unsigned word;                        /* bytes in a pointer or long of the tracee's ABI */
};

struct tl__arg {
	void (*print)(struct tl__ctx *c, const struct tl__arg *arg, uint64_t value);
	const void *aux; /* a flag table, say */
	uint8_t out;     /* filled in by the kernel: printed at exit */
	uint8_t len;     /* which argument holds its length or count, plus 1; 0: none */
	uint8_t at;      /* the register argument it stands in, plus 1; 0: its place in the row */
	/* The 32-bit value that it points to is kept at entry: in values[keep - 1]. */
	uint8_t keep;
	uint8_t raw;  /* only a number, though it means more */
	uint8_t wide; /* TL__WIDE, TL__PAIR: two registers of a 32-bit ABI */
};

/* PAIR is two arguments to the kernel; WIDE is one, which AArch32 keeps in an even register. */
enum { TL__WIDE = 1, TL__PAIR = 2 };

/* Columns of the numbers. */
enum tl__column { COL_X86_64, COL_I386, COL_ARM64, COL_ARM, COLUMNS };

enum tl__ret {
	RET_NUMBER,
	RET_HEX,
	RET_OCTAL,
	RET_FD,
	RET_NEVER,
	RET_SIGNAL,
	RET_TIME,
	RET_FCNTL,
	RET_PERSONALITY,
	RET_SCHED,
	RET_POLL,
	RET_PPOLL,
	RET_PPOLL64,
	RET_SELECT,
	RET_PSELECT,
	RET_PSELECT64,
};

struct tl__row {
	int32_t nr[COLUMNS]; /* -1: the ABI has no such call */
	const char *name;
	uint32_t classes;
	uint8_t nargs;
	struct tl__arg args[6];
	uint8_t ret; /* how the result looks, when not as a number */
};

extern const struct tl__row tl__rows[];
extern const size_t tl__nrows;
int tl__column_of(enum tl_abi abi); /* or -1 */
const struct tl__row *tl__row_find(enum tl_abi abi, int64_t nr);

enum tl__class {
	C_FILE = 1 << 0,
	C_DESC = 1 << 1,
	C_NETWORK = 1 << 2,
	C_PROCESS = 1 << 3,
	C_SIGNAL = 1 << 4,
	C_MEMORY = 1 << 5,
	C_IPC = 1 << 6,
	C_CREDS = 1 << 7,
	C_CLOCK = 1 << 8,
	C_STAT = 1 << 9,
	C_LSTAT = 1 << 10,
	C_FSTAT = 1 << 11,
	C_STATFS = 1 << 12,
	C_FSTATFS = 1 << 13,
	C_PURE = 1 << 14,
	C_NEVER_FAILS = 1 << 15,
};

/* Values and their names; ends with a NULL name. */
struct tl__name {
	uint64_t value;
	const char *name;
};
/* A table with the prefix that unknown values are said to lack: "0x40 / * O_??? * /". */
struct tl__names {
	const char *unknown;
	const struct tl__name *names;
};

/* print.c: pieces */
void tl__flags(struct tl__ctx *c, const struct tl__names *t, uint64_t value);
void tl__enum(struct tl__ctx *c, const struct tl__names *t, uint64_t value);
const char *tl__name_of(const struct tl__names *t, uint64_t value);
void tl__addr(struct tl__ctx *c, uint64_t addr); /* NULL or 0x... */
void tl__quote(struct tl__ctx *c, const char *s, size_t len, bool cut);
void tl__string_at(struct tl__ctx *c, uint64_t addr); /* a C string */
void tl__path_at(struct tl__ctx *c, uint64_t addr);   /* never cut but at PATH_MAX */
void tl__bytes_at(struct tl__ctx *c, uint64_t addr, uint64_t len);
void tl__fd(struct tl__ctx *c, int fd);
bool tl__read(struct tl__ctx *c, uint64_t addr, void *buf, size_t len);
/* Reads, or prints the address and says false. */
bool tl__fetch(struct tl__ctx *c, uint64_t addr, void *buf, size_t len);
uint64_t tl__read_word(struct tl__ctx *c, const uint8_t *at); /* a long of the ABI */
bool tl__failed(const struct tl__ctx *c);                     /* at exit, and the call failed */
void tl__puts(struct tl__ctx *c, const char *s);
void tl__printf(struct tl__ctx *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tl__mode(struct tl__ctx *c, uint32_t mode); /* S_IFREG|0644 */
void tl__dev(struct tl__ctx *c, uint64_t dev);
void tl__sigset(struct tl__ctx *c, uint64_t set);
void tl__sockaddr(struct tl__ctx *c, const uint8_t *sa, size_t len);
void tl__signal(struct tl__ctx *c, int sig);
void tl__iovecs(struct tl__ctx *c, uint64_t addr, uint64_t n, uint64_t limit, bool data);
void tl__siginfo(struct tl__ctx *c, const void *info);
/* fd.c: "</etc/passwd>", where asked for. fd -100 is the working directory. */
void tl__fd_path(struct tl__ctx *c, int fd);

/* An array of fixed elements, "[a, b, ...]". */
typedef void (*tl__element)(struct tl__ctx *c, const uint8_t *at);
void tl__array(struct tl__ctx *c, uint64_t addr, uint64_t n, size_t size, tl__element element);

#endif
