/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions of debuginfo: the one at an address, its arguments, variables and result. */
#include "debug.h"
#include "values.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

Dwarf_Die tl__debug_whole(Dwarf_Die *unit)
{
	Dwarf_Die split;
	Dwarf_Half version;
	uint8_t type;

	if (dwarf_cu_info(unit->cu, &version, &type, NULL, &split, NULL, NULL, NULL) == 0 &&
	    type == DW_UT_skeleton && split.cu)
		return split;
	return *unit;
}

/* Not all compilers write a table of what is where. */
static bool find_unit(Dwarf *dwarf, Dwarf_Addr addr, Dwarf_Die *ret)
{
	Dwarf_Off at = 0, next;
	size_t header;

	if (dwarf_addrdie(dwarf, addr, ret))
		return true;
	while (dwarf_nextcu(dwarf, at, &next, &header, NULL, NULL, NULL) == 0) {
		if (dwarf_offdie(dwarf, at + header, ret) && dwarf_haspc(ret, addr) == 1)
			return true;
		at = next;
	}
	return false;
}

/* The one with code of its own, wherever in namespaces and classes it is. */
static bool find_frame(Dwarf_Die *parent, Dwarf_Addr addr, int depth, Dwarf_Die *ret)
{
	Dwarf_Die child;

	if (depth > DEPTH_MAX || dwarf_child(parent, &child) != 0)
		return false;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_subprogram:
			if (dwarf_haspc(&child, addr) != 1)
				break;
			*ret = child;
			return true;
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
			if (find_frame(&child, addr, depth + 1, ret))
				return true;
			break;
		default:
			break;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

/* The innermost function there, which may be inlined. */
static void find_inlined(struct tl__function *f, Dwarf_Addr addr)
{
	Dwarf_Die *scopes = NULL;
	int n = dwarf_getscopes(&f->unit, addr, &scopes), tag = 0;

	for (int i = 0; i < n && tag != DW_TAG_subprogram; i++) {
		tag = dwarf_tag(&scopes[i]);
		if (tag != DW_TAG_inlined_subroutine)
			continue;
		f->die = scopes[i];
		f->inlined = true;
		break;
	}
	free(scopes);
}

int tl__function_find(const struct tl__symbols *s, uint64_t value, struct tl__function *ret)
{
	Dwarf *dwarf = tl__symbols_dwarf(s, &ret->bias);
	Dwarf_Addr entry;

	ret->symbols = s;
	ret->inlined = false;
	if (!dwarf || !find_unit(dwarf, value - ret->bias, &ret->unit))
		return -ENODATA;
	ret->unit = tl__debug_whole(&ret->unit);
	if (!find_frame(&ret->unit, value - ret->bias, 0, &ret->frame))
		return -ENODATA;
	ret->die = ret->frame;
	ret->entry = dwarf_entrypc(&ret->frame, &entry) == 0 ? entry + ret->bias : 0;
	if (value != ret->entry)
		find_inlined(ret, value - ret->bias);
	return 0;
}

static bool is_at_entry(const struct tl__function *f, const struct tl__machine *m)
{
	return !f->inlined && m->ip - m->load == f->entry;
}

static void result_type(const struct tl__function *f, struct tl__value *ret)
{
	Dwarf_Die die = f->die;

	memset(ret, 0, sizeof(*ret));
	ret->has_type = tl__type_of(&die, &ret->type);
}

static void constant(Dwarf_Die *die, struct tl__value *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Sword word;

	if (dwarf_formsdata(dwarf_attr_integrate(die, DW_AT_const_value, &attr), &word) != 0)
		return;
	ret->where = TL__VALUE_BYTES;
	ret->n = sizeof(word);
	memcpy(ret->bytes, &word, sizeof(word));
}

static void describe(Dwarf_Die *die, struct tl__value *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->name = dwarf_diename(die);
	ret->has_type = tl__type_of(die, &ret->type);
}

static void locate(const struct tl__function *f, const struct tl__machine *m, Dwarf_Die *die,
		   struct tl__value *ret)
{
	Dwarf_Attribute attr;

	if (dwarf_attr_integrate(die, DW_AT_location, &attr))
		tl__location_eval(f, m, &attr, ret);
	else
		constant(die, ret);
}

/*
 * In a list there is what holds for the first instruction; one expression for the whole function is
 * of the stack, where nothing has been written yet.
 */
static void argument(const struct tl__function *f, const struct tl__machine *m, Dwarf_Die *die,
		     struct tl__convention *c, struct tl__value *ret)
{
	struct tl__value by_convention;
	Dwarf_Attribute attr;

	describe(die, ret);
	if (!is_at_entry(f, m)) {
		locate(f, m, die, ret);
		return;
	}
	by_convention = *ret;
	tl__convention_next(c, m, &by_convention);
	if (!dwarf_attr_integrate(die, DW_AT_location, &attr) || !tl__location_is_list(&attr) ||
	    !tl__location_eval(f, m, &attr, ret))
		*ret = by_convention;
}

/* Go has its results among the parameters. */
static bool is_argument(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	bool out = false;

	return dwarf_tag(die) == DW_TAG_formal_parameter &&
	       !(dwarf_attr(die, DW_AT_variable_parameter, &attr) &&
		 dwarf_formflag(&attr, &out) == 0 && out);
}

int tl__function_args(const struct tl__function *f, const struct tl__machine *m,
		      int (*on_value)(const struct tl__value *v, void *data), void *data)
{
	struct tl__convention c;
	struct tl__value v;
	Dwarf_Die die = f->die, child;
	int r = 0;

	result_type(f, &v);
	tl__convention_begin(&c, m, &v);
	if (dwarf_child(&die, &child) != 0)
		return 0;
	do {
		if (!is_argument(&child))
			continue;
		argument(f, m, &child, &c, &v);
		r = on_value(&v, data);
	} while (!r && dwarf_siblingof(&child, &child) == 0);
	return r;
}

void tl__function_result(const struct tl__function *f, const struct tl__machine *m,
			 struct tl__value *ret)
{
	result_type(f, ret);
	if (ret->has_type)
		tl__convention_result(m, ret);
}

struct by_name {
	const char *name;
	struct tl__value *ret;
};

static int is_named(const struct tl__value *v, void *data)
{
	struct by_name *b = data;

	if (!v->name || strcmp(v->name, b->name) != 0)
		return 0;
	*b->ret = *v;
	return 1;
}

/* The innermost that is in scope there. */
static bool find_local(const struct tl__function *f, const struct tl__machine *m, const char *name,
		       struct tl__value *ret)
{
	Dwarf_Die *scopes = NULL, unit = f->unit, found;
	int n = dwarf_getscopes(&unit, m->ip - m->load - f->bias, &scopes);
	int at = n > 0 ? dwarf_getscopevar(scopes, n, name, 0, NULL, 0, 0, &found) : -1;

	free(scopes);
	if (at < 0)
		return false;
	describe(&found, ret);
	locate(f, m, &found, ret);
	return true;
}

bool tl__function_variable(const struct tl__function *f, const struct tl__machine *m,
			   const char *name, struct tl__value *ret)
{
	struct by_name b = { name, ret };

	return tl__function_args(f, m, is_named, &b) || find_local(f, m, name, ret);
}
