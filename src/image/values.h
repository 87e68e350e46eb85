/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values of a stopped thread by debuginfo: arguments, results, what they point to, and their text.
 *
 * At a function's first instruction arguments are where the machine's calling convention has them,
 * or where the debuginfo says if it was written for that address; anywhere else, where it says.
 */
#ifndef TL_IMAGE_VALUES_H
#define TL_IMAGE_VALUES_H

#include "strbuf.h"
#include "symbols.h"

#include <elfutils/libdw.h>

enum { TL__VALUE_MAX = 64 };

/* How a thread's state is read. Addresses are the process's. */
struct tl__machine {
	uint16_t machine; /* EM_* */
	uint64_t ip;
	uint64_t load;     /* of the file: its addresses are so much lower */
	uint64_t indirect; /* arm64: where the caller wants a large result; 0: not known */
	bool (*read)(void *data, uint64_t addr, void *buf, size_t n);
	/* By DWARF's number; buf has room for 16 bytes. Returns how many it has, 0: not known. */
	size_t (*reg)(void *data, unsigned number, void *buf);
	void *data;
};

/* Of a function, found once. */
struct tl__function {
	const struct tl__symbols *symbols;
	Dwarf_Die unit;
	Dwarf_Die die;   /* itself, or inlined into another */
	Dwarf_Die frame; /* the one whose frame it is in */
	bool inlined;
	uint64_t bias;  /* of the debuginfo, to the file's addresses */
	uint64_t entry; /* of the frame's, in the file's addresses */
};

struct tl__value {
	const char *name; /* NULL: it has none */
	Dwarf_Die type;
	bool has_type; /* else void */
	enum { TL__VALUE_UNKNOWN, TL__VALUE_BYTES, TL__VALUE_MEMORY } where;
	uint64_t addr;
	unsigned n;
	uint8_t bytes[TL__VALUE_MAX];
	uint64_t lost;                 /* of bytes, a bit each: optimized away */
	unsigned bit_size, bit_offset; /* of a bit field; size 0: it is none */
};

enum tl__value_kind {
	TL__KIND_OTHER, /* void, a member function's pointer, ... */
	TL__KIND_SIGNED,
	TL__KIND_UNSIGNED,
	TL__KIND_CHAR,
	TL__KIND_BOOL,
	TL__KIND_FLOAT,
	TL__KIND_ENUM,
	TL__KIND_POINTER,
	TL__KIND_STRUCT,
	TL__KIND_ARRAY,
};

/* functions.c. -ENODATA: there is no debuginfo for this address. */
int tl__function_find(const struct tl__symbols *s, uint64_t value, struct tl__function *ret);
/* Until on_value returns non-zero, which is returned. */
int tl__function_args(const struct tl__function *f, const struct tl__machine *m,
		      int (*on_value)(const struct tl__value *v, void *data), void *data);
/* Behind the function's return. */
void tl__function_result(const struct tl__function *f, const struct tl__machine *m,
			 struct tl__value *ret);
/* An argument or, behind the first instruction, a variable, by its name. */
bool tl__function_variable(const struct tl__function *f, const struct tl__machine *m,
			   const char *name, struct tl__value *ret);

/* location.c. False: the debuginfo does not say where it is, there. */
bool tl__location_eval(const struct tl__function *f, const struct tl__machine *m,
		       Dwarf_Attribute *attr, struct tl__value *ret);
bool tl__location_is_list(Dwarf_Attribute *attr);

/* convention.c: where a calling convention has the next argument. */
struct tl__convention {
	unsigned integers, floats; /* registers used */
	uint64_t stack;            /* of the next one that is there */
};

void tl__convention_begin(struct tl__convention *c, const struct tl__machine *m,
			  const struct tl__value *result);
void tl__convention_next(struct tl__convention *c, const struct tl__machine *m,
			 struct tl__value *ret);
void tl__convention_result(const struct tl__machine *m, struct tl__value *ret);

/* types.c */
enum tl__value_kind tl__type_kind(const Dwarf_Die *type, bool has_type);
uint64_t tl__type_size(const Dwarf_Die *type, bool has_type);
bool tl__type_strip(const Dwarf_Die *type, Dwarf_Die *ret); /* of typedefs and qualifiers */
bool tl__type_of(Dwarf_Die *die, Dwarf_Die *ret);           /* its DW_AT_type; false: void */
bool tl__type_is_character(const Dwarf_Die *type);
void tl__type_write(const Dwarf_Die *type, bool has_type, struct tl__strbuf *to);

/* values.c */
bool tl__value_read(const struct tl__value *v, const struct tl__machine *m, void *buf, size_t n);
bool tl__value_integer(const struct tl__value *v, const struct tl__machine *m, uint64_t *ret);
bool tl__value_float(const struct tl__value *v, const struct tl__machine *m, double *ret);
/* What a pointer leads to; of a structure, or of one that v points to, the member. */
bool tl__value_target(const struct tl__value *v, const struct tl__machine *m, uint64_t index,
		      struct tl__value *ret);
bool tl__value_member(const struct tl__value *v, const struct tl__machine *m, const char *name,
		      struct tl__value *ret);
/* Of each member; anonymous ones have no name. */
int tl__value_each_member(const struct tl__value *v,
			  int (*on_value)(const struct tl__value *v, void *data), void *data);

/* write.c: as C would have it, strings and arrays cut. */
void tl__value_write(const struct tl__value *v, const struct tl__machine *m, unsigned string_max,
		     struct tl__strbuf *to);
/* A C string of the process, between quotes. */
void tl__string_write(const struct tl__machine *m, uint64_t addr, uint64_t most,
		      struct tl__strbuf *to);

#endif
