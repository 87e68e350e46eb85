/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A call as text: name and arguments at entry, the rest at exit, the result. */
#define _GNU_SOURCE
#include "decoder.h"

#include "err.h"
#include "printers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tl__abi_is_arm(enum tl_abi abi)
{
	return abi == TL_ABI_ARM64 || abi == TL_ABI_ARM;
}

unsigned tl__abi_word(enum tl_abi abi)
{
	return abi == TL_ABI_X86_64 || abi == TL_ABI_ARM64 ? 8 : 4;
}

static void begin(struct tl__decoder *d, struct tl__ctx *c, const struct tl_syscall *call,
		  const struct tl_source *source, bool exiting)
{
	tl__strbuf_clear(&d->text);
	*c = (struct tl__ctx){ .out = &d->text,
			       .call = call,
			       .source = source,
			       .flags = d->flags,
			       .max_string = d->max_string,
			       .exiting = exiting,
			       .word = tl__abi_word(call->abi) };
}

static const char *done(struct tl__decoder *d)
{
	return d->text.data ? d->text.data : "";
}

/* The register that argument i of the row begins in. */
static unsigned slot_of(const struct tl__ctx *c, const struct tl__row *row, unsigned i)
{
	unsigned slot = 0;

	if (row->args[i].at)
		return row->args[i].at - 1u;
	if (c->word == 8)
		return i;
	for (unsigned j = 0;; j++) {
		if (row->args[j].wide == TL__WIDE && c->call->abi == TL_ABI_ARM)
			slot += slot & 1;
		if (j == i)
			return slot;
		slot += row->args[j].wide ? 2 : 1;
	}
}

static uint64_t value_of(const struct tl__ctx *c, const struct tl__row *row, unsigned i)
{
	const uint64_t *args = c->call->args;
	unsigned slot = slot_of(c, row, i);

	if (row->args[i].wide && c->word == 4 && slot < 5)
		return (uint32_t)args[slot] | args[slot + 1] << 32;
	return slot < 6 ? args[slot] : 0;
}

static void put_arg(struct tl__ctx *c, const struct tl__row *row, unsigned i)
{
	const struct tl__arg *a = &row->args[i];

	if (c->flags & TL_DECODE_RAW)
		tl__strbuf_hex(c->out, value_of(c, row, i));
	else
		a->print(c, a, value_of(c, row, i));
}

static void put_name(struct tl__ctx *c, const struct tl__row *row)
{
	if (row)
		tl__puts(c, row->name);
	else
		tl__printf(c, "syscall_%#" PRIx64, (uint64_t)c->call->nr);
	tl__puts(c, "(");
}

/* How many arguments can be shown before the call is made. */
static unsigned shown_at_entry(const struct tl__row *row)
{
	unsigned n = 0;

	if (!row)
		return 6;
	while (n < row->nargs && !row->args[n].out)
		n++;
	return n;
}

static void put_args(struct tl__ctx *c, const struct tl__row *row, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		if (i)
			tl__puts(c, ", ");
		if (row)
			put_arg(c, row, i);
		else
			tl__strbuf_hex(c->out, c->call->args[i]);
	}
}

/* What the kernel will overwrite, and the line wants to show with what it becomes. */
static void keep_values(struct tl__ctx *c, const struct tl__row *row, struct tl_decode_state *state)
{
	*state = (struct tl_decode_state){ 0 };
	for (unsigned i = 0; i < row->nargs; i++) {
		const struct tl__arg *a = &row->args[i];
		uint64_t at = value_of(c, row, i);

		if (!a->keep || !at)
			continue;
		/* msghdr: the length stands behind the pointer to the name. */
		if (a->print == tl__p_msghdr)
			tl__read(c, at + c->word, &state->values[a->keep - 1], 4);
		else
			tl__read(c, at, &state->values[a->keep - 1],
				 a->print == tl__p_socklen ? 4 : 8);
	}
}

/* An argument that the row has and this very call does not. */
static bool absent(const struct tl__ctx *c, const struct tl__arg *a)
{
	return a->print == tl__p_ioctl_arg && tl__ioctl_bare((uint32_t)c->call->args[1]);
}

void tl__decode_entry(struct tl__decoder *d, const struct tl_syscall *call,
		      const struct tl_source *source, struct tl_decode_state *state)
{
	const struct tl__row *row = tl__row_find(call->abi, call->nr);
	unsigned n = shown_at_entry(row);
	struct tl__ctx c;

	begin(d, &c, call, source, false);
	if (state && row)
		keep_values(&c, row, state);
	put_name(&c, row);
	put_args(&c, row, 0, n);
	if (row && n && n < row->nargs && !absent(&c, &row->args[n]))
		tl__puts(&c, ", ");
}

void tl__decode_exit(struct tl__decoder *d, const struct tl_syscall *call,
		     const struct tl_source *source, const struct tl_decode_state *state)
{
	const struct tl__row *row = tl__row_find(call->abi, call->nr);
	unsigned from = shown_at_entry(row), n = row ? row->nargs : 6;
	struct tl__ctx c;

	begin(d, &c, call, source, true);
	c.before = state;
	for (unsigned i = from; i < n; i++) {
		if (i > from)
			tl__puts(&c, ", ");
		put_arg(&c, row, i);
	}
	tl__puts(&c, ")");
}

static const char *restart_text(int64_t err)
{
	switch (err) {
	case 512:
		return "To be restarted if SA_RESTART is set";
	case 513:
		return "To be restarted";
	case 514:
		return "To be restarted if no handler";
	case 516:
		return "Interrupted by signal";
	default:
		return NULL;
	}
}

static void put_error(struct tl__ctx *c, int64_t err)
{
	const char *name = tl__err_name((int)err), *restart = restart_text(err);

	if (restart)
		tl__printf(c, "? %s (%s)", name, restart);
	else if (name)
		tl__printf(c, "-1 %s (%s)", name, strerror((int)err));
	else
		tl__printf(c, "-1 (errno %" PRId64 ")", err);
}

static void put_fcntl(struct tl__ctx *c, int64_t ret)
{
	switch (c->call->args[1]) {
	case 1: /* F_GETFD */
		tl__strbuf_hex(c->out, (uint64_t)ret);
		if (ret) {
			tl__puts(c, " (flags ");
			tl__flags(c, &tl__n_fd_flags, (uint64_t)ret);
			tl__puts(c, ")");
		}
		break;
	case 3: /* F_GETFL */
		tl__strbuf_hex(c->out, (uint64_t)ret);
		tl__puts(c, " (flags ");
		tl__open_flags(c, (uint32_t)ret);
		tl__puts(c, ")");
		break;
	case 0:
	case 1030: /* F_DUPFD and _CLOEXEC */
		tl__fd(c, (int)ret);
		break;
	case 1034: /* F_GET_SEALS */
		tl__strbuf_hex(c->out, (uint64_t)ret);
		break;
	default:
		tl__strbuf_dec(c->out, ret);
		break;
	}
}

static void put_ret(struct tl__ctx *c, const struct tl__row *row, int64_t ret)
{
	struct tl__arg plain = { 0 };

	switch (row->ret) {
	case RET_HEX:
		tl__strbuf_hex(c->out, c->word == 8 ? (uint64_t)ret : (uint32_t)ret);
		break;
	case RET_OCTAL:
		tl__p_octal(c, &plain, (uint64_t)ret);
		break;
	case RET_FD:
		tl__fd(c, (int)ret);
		break;
	case RET_FCNTL:
		put_fcntl(c, ret);
		break;
	case RET_TIME:
		tl__printf(c, "%" PRId64 " (", ret);
		tl__enum(c, &tl__n_adjtime_state, (uint64_t)ret);
		tl__puts(c, ")");
		break;
	case RET_SCHED:
		tl__printf(c, "%" PRId64 " (", ret);
		tl__p_sched_policy(c, &plain, (uint64_t)ret);
		tl__puts(c, ")");
		break;
	case RET_SIGNAL:
		tl__printf(c, "%" PRId64 " (", ret);
		tl__signal(c, (int)ret);
		tl__puts(c, ")");
		break;
	case RET_PERSONALITY:
		tl__strbuf_hex(c->out, (uint32_t)ret);
		tl__puts(c, " (");
		tl__p_personality(c, &plain, (uint64_t)ret);
		tl__puts(c, ")");
		break;
	default:
		tl__strbuf_dec(c->out, ret);
		break;
	}
}

static void put_found(struct tl__ctx *c, const struct tl__row *row)
{
	switch (row->ret) {
	case RET_POLL:
		tl__poll_result(c, false, 0);
		break;
	case RET_PPOLL:
		tl__poll_result(c, true, c->word);
		break;
	case RET_PPOLL64:
		tl__poll_result(c, true, 8);
		break;
	case RET_SELECT:
		tl__select_result(c, false, c->word);
		break;
	case RET_PSELECT:
		tl__select_result(c, true, c->word);
		break;
	case RET_PSELECT64:
		tl__select_result(c, true, 8);
		break;
	default:
		break;
	}
}

void tl__decode_result(struct tl__decoder *d, const struct tl_syscall *call,
		       const struct tl_source *source)
{
	const struct tl__row *row = tl__row_find(call->abi, call->nr);
	int64_t ret = call->ret;
	struct tl__ctx c;

	begin(d, &c, call, source, true);
	if (call->flags & TL_SYSCALL_FAILED) {
		put_error(&c, -ret);
		return;
	}
	if (!row) {
		tl__strbuf_hex(c.out, (uint64_t)ret);
		return;
	}
	put_ret(&c, row, ret);
	put_found(&c, row);
}

bool tl__decode_argument(struct tl__decoder *d, const struct tl_syscall *call,
			 const struct tl_source *source, unsigned index, bool at_exit)
{
	const struct tl__row *row = tl__row_find(call->abi, call->nr);
	struct tl__ctx c;

	begin(d, &c, call, source, at_exit);
	if (index >= (row ? row->nargs : 6))
		return false;
	if (!row)
		tl__strbuf_hex(c.out, call->args[index]);
	else if (at_exit || !row->args[index].out)
		put_arg(&c, row, index);
	return true;
}

static bool is_path(struct tl__ctx *c, uint64_t addr, const char *path)
{
	size_t len = strlen(path) + 1;
	char buf[4096];

	return len <= sizeof(buf) && tl__read(c, addr, buf, len) && !memcmp(buf, path, len);
}

static bool fd_is(const struct tl_source *source, int fd, const char *path)
{
	char name[32], target[4096];

	if (fd < 0 || !source->read_link)
		return false;
	snprintf(name, sizeof(name), "fd/%d", fd);
	return source->read_link(source->data, name, target, sizeof(target)) > 0 &&
	       !strcmp(target, path);
}

bool tl__decode_touches(const struct tl_syscall *call, const struct tl_source *source,
			const char *path)
{
	const struct tl__row *row = tl__row_find(call->abi, call->nr);
	struct tl__ctx c = { .call = call, .source = source, .word = tl__abi_word(call->abi) };

	for (unsigned i = 0; row && i < row->nargs; i++) {
		const struct tl__arg *a = &row->args[i];
		uint64_t v = value_of(&c, row, i);

		if (a->print == tl__p_path && is_path(&c, v, path))
			return true;
		if ((a->print == tl__p_fd || a->print == tl__p_dirfd ||
		     a->print == tl__p_mmap_fd) &&
		    fd_is(source, (int)v, path))
			return true;
	}
	return false;
}

void tl__decode_siginfo(struct tl__decoder *d, const void *info)
{
	static const struct tl_syscall none = { .abi = TL_ABI_X86_64 };
	struct tl__ctx c;

	begin(d, &c, &none, NULL, true);
	tl__siginfo(&c, info);
}

const char *tl__decoder_text(struct tl__decoder *d)
{
	return done(d);
}
