/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public: memory, registers, calls and signals of a task. */
#define _GNU_SOURCE
#include "api.h"

#include "trapline/raw_regs.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int64_t public64(int64_t r)
{
	return r < 0 ? tl__err_public((int)r) : r;
}

int64_t tl_task_read_mem(struct tl_task *task, tl_addr addr, void *buf, size_t len)
{
	int r = tl__api_check_task(task);

	return r < 0 ? r : public64(tl__mem_read(task, addr, buf, len));
}

int64_t tl_task_write_mem(struct tl_task *task, tl_addr addr, const void *buf, size_t len)
{
	int r = tl__api_check_task(task);

	return r < 0 ? r : public64(tl__mem_write(task, addr, buf, len));
}

int64_t tl_task_read_memv(struct tl_task *task, struct tl_mem_piece *pieces, size_t n)
{
	int64_t total = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t r = tl_task_read_mem(task, pieces[i].addr, pieces[i].buf, pieces[i].len);
		bool cut = r < (int64_t)pieces[i].len;

		if (r < 0 && (i == 0 || r == -ESRCH))
			return r;
		pieces[i].len = r < 0 ? 0 : (size_t)r;
		total += r < 0 ? 0 : r;
		if (!cut)
			continue;
		for (i++; i < n; i++)
			pieces[i].len = 0;
	}
	return total;
}

/* In pieces that end at page ends, so that a string before a bad page is still read whole. */
int64_t tl_task_read_string(struct tl_task *task, tl_addr addr, char *buf, size_t size)
{
	size_t len = 0, page = 4096;

	if (!size)
		return -EINVAL;
	while (len < size - 1) {
		size_t n = page - (size_t)((addr + len) & (page - 1));
		char *end;
		int64_t r;

		if (n > size - 1 - len)
			n = size - 1 - len;
		/* Most strings are short: a first small bite instead of a page. */
		if (!len && n > 256)
			n = 256;
		r = tl_task_read_mem(task, addr + len, buf + len, n);
		if (r <= 0) {
			buf[len] = '\0';
			return r < 0 ? r : -EFAULT;
		}
		end = memchr(buf + len, '\0', (size_t)r);
		if (end)
			return end - buf;
		len += (size_t)r;
	}
	buf[len] = '\0';
	return -ERANGE;
}

const struct tl__arch *tl__api_arch(struct tl_task *task, int *ret)
{
	const struct tl__arch *arch;

	*ret = tl__api_check_stopped(task);
	if (*ret < 0)
		return NULL;
	arch = tl__regs_arch(task);
	if (!arch)
		*ret = -ESRCH;
	return arch;
}

int tl_task_view(struct tl_task *task, const char **ret_name, uint16_t *ret_e_machine)
{
	const struct tl__arch *arch;
	int r;

	arch = tl__api_arch(task, &r);
	if (!arch)
		return r;
	*ret_name = arch->view->name;
	*ret_e_machine = arch->view->e_machine;
	return 0;
}

int tl_task_regset_info(struct tl_task *task, size_t index, struct tl_regset_info *ret)
{
	const struct tl__regset *set;
	const struct tl__arch *arch;
	struct tl_regset_info info = { .size = sizeof(info) };
	int r;

	arch = tl__api_arch(task, &r);
	if (!arch)
		return r;
	if (index >= arch->view->n)
		return -ENOENT;
	set = &arch->view->sets[index];
	info.note = set->note;
	info.slot_size = set->size;
	info.count = set->count;
	info.align = set->align;
	info.readonly = set->flags & TL__REGSET_READONLY;
	info.variable = set->flags & TL__REGSET_VARIABLE;
	info.name = set->name;
	if (ret->size < info.size)
		info.size = ret->size;
	memcpy(ret, &info, info.size);
	return 0;
}

enum { NOTE_GENERAL = 1 };

int64_t tl_task_read_regset(struct tl_task *task, uint32_t note, void *buf, size_t size)
{
	int r = tl__api_check_stopped(task);

	if (r < 0)
		return r;
	if (note == NOTE_GENERAL) {
		r = tl__regs_load(task);
		if (r < 0)
			return tl__err_public(r);
		if (size < task->regs_len)
			return -ERANGE;
		memcpy(buf, task->regs, task->regs_len);
		return task->regs_len;
	}
	if (note == TL_NT_RAW)
		return public64(tl__raw_set_read(task, buf, size));
	return public64(tl__regset_read(task, note, buf, size));
}

int tl_task_write_regset(struct tl_task *task, uint32_t note, const void *buf, size_t len)
{
	int r = tl__api_check_stopped(task);

	if (r < 0)
		return r;
	if (note == NOTE_GENERAL) {
		r = tl__regs_load(task);
		if (r < 0)
			return tl__err_public(r);
		if (len != task->regs_len)
			return -EINVAL;
		/* At once, so that what the kernel refuses is told. */
		memcpy(task->regs, buf, len);
		task->regs_dirty = true;
		r = tl__regs_flush(task);
		if (r < 0)
			task->regs_valid = false;
		return tl__err_public(r);
	}
	if (note == TL_NT_RAW)
		return tl__err_public(tl__raw_set_write(task, buf, len));
	r = tl__regset_write(task, note, buf, len);
	return r < 0 ? tl__err_public(r) : 0;
}

int tl_task_reg_name(struct tl_task *task, size_t index, const char **ret_name)
{
	const struct tl__arch *arch;
	int r;

	arch = tl__api_arch(task, &r);
	if (!arch)
		return r;
	if (index >= arch->nregs)
		return -ENOENT;
	*ret_name = arch->regs[index].name;
	return 0;
}

static const struct tl__reg *find_reg(struct tl_task *task, const char *name, int *ret)
{
	const struct tl__arch *arch = tl__api_arch(task, ret);

	if (!arch)
		return NULL;
	for (size_t i = 0; i < arch->nregs; i++)
		if (!strcmp(arch->regs[i].name, name))
			return &arch->regs[i];
	*ret = -ENOENT;
	return NULL;
}

int tl_task_read_reg(struct tl_task *task, const char *name, uint64_t *ret_value)
{
	const struct tl__reg *reg;
	int r;

	reg = find_reg(task, name, &r);
	if (!reg)
		return r;
	if (tl__raw_unknown(task, reg))
		return -ENODATA;
	*ret_value = 0;
	memcpy(ret_value, task->regs + reg->offset, reg->size);
	return 0;
}

int tl_task_write_reg(struct tl_task *task, const char *name, uint64_t value)
{
	const struct tl__reg *reg;
	int r;

	reg = find_reg(task, name, &r);
	if (!reg)
		return r;
	if (tl__raw_unknown(task, reg))
		return -ENODATA;
	memcpy(task->regs + reg->offset, &value, reg->size);
	task->regs_dirty = true;
	return 0;
}

static int at_call(const struct tl_task *task, bool entry, bool exit)
{
	int r = tl__api_check_stopped(task);

	if (r < 0)
		return r;
	if ((entry && task->stop.kind == TL__STOP_ENTRY) ||
	    (exit && task->stop.kind == TL__STOP_EXIT))
		return 0;
	return -EAGAIN;
}

int tl_syscall_get(struct tl_task *task, struct tl_syscall *ret_call)
{
	int r = at_call(task, true, true);

	if (r == 0)
		*ret_call = task->call;
	return r;
}

int tl_syscall_set(struct tl_task *task, int64_t nr, const uint64_t args[6])
{
	int r = at_call(task, true, false);

	return r < 0 ? r : tl__err_public(tl__syscall_change(task, nr, args));
}

int tl_syscall_set_result(struct tl_task *task, int64_t ret)
{
	int r = at_call(task, true, true);

	return r < 0 ? r : tl__err_public(tl__syscall_set_result(task, ret));
}

int tl_signal_set(struct tl_task *task, int32_t signo, const void *info)
{
	siginfo_t si;
	int r = tl__api_check_stopped(task);

	if (r < 0)
		return r;
	if (task->stop.kind != TL__STOP_SIGNAL && task->stop.kind != TL__STOP_STEP)
		return -EAGAIN;
	if (signo < 0 || signo > 64)
		return -EINVAL;
	if (!signo) {
		task->deliver = 0;
		return 0;
	}
	if (!info) {
		memset(&si, 0, sizeof(si));
		si.si_signo = signo;
		si.si_pid = getpid();
		si.si_uid = getuid();
		info = &si;
	}
	memcpy(task->stop.info, info, TL__SIGINFO_SIZE);
	r = tl__pt_buf(task->session->sys, TL__PT_SETSIGINFO, task->tid, 0, task->stop.info,
		       TL__SIGINFO_SIZE);
	if (r < 0)
		return tl__err_public(r);
	task->deliver = signo;
	return 0;
}

int tl_task_call_result(struct tl_task *task, struct tl_call_frame *ret)
{
	int r;
	const struct tl__arch *arch = tl__api_arch(task, &r);
	struct tl__frame f;

	if (!arch)
		return r;
	if (ret->size < sizeof(*ret))
		return -EINVAL;
	r = arch->get_frame(task->regs, task->regs_len, &f);
	if (r < 0)
		return r;
	ret->sp = f.sp;
	ret->result = arch->word == 4 ? (uint32_t)f.ret : (uint64_t)f.ret;
	ret->popped = arch->get_link ? 0 : arch->word;
	ret->return_address = 0;
	return 0;
}

int tl_task_call_frame(struct tl_task *task, struct tl_call_frame *ret)
{
	int r = tl_task_call_result(task, ret);
	const struct tl__arch *arch;

	if (r < 0)
		return r;
	arch = tl__regs_arch(task);
	if (arch->get_link)
		ret->return_address = arch->get_link(task->regs, task->regs_len);
	else if (tl__mem_read(task, ret->sp, &ret->return_address, arch->word) != arch->word)
		return -EFAULT;
	return 0;
}

int tl_task_dwarf_register(struct tl_task *task, unsigned number, void *buf, size_t size)
{
	int r;
	const struct tl__arch *arch = tl__api_arch(task, &r);

	return arch ? tl__err_public(tl__dwarf_register(task, arch, number, buf, size)) : r;
}

int tl_task_call_args(struct tl_task *task, uint64_t *args, size_t n)
{
	int r;
	const struct tl__arch *arch = tl__api_arch(task, &r);
	uint64_t in_regs[TL__CALL_ARGS];
	size_t have;
	uint64_t at;

	if (!arch)
		return r;
	if (!arch->call_args)
		return -EOPNOTSUPP;
	have = arch->call_args(task->regs, task->regs_len, in_regs);
	at = arch->get_sp(task->regs, task->regs_len) + arch->call_args_at;
	for (size_t i = 0; i < n; i++) {
		args[i] = i < have ? in_regs[i] : 0;
		if (i < have)
			continue;
		if (tl__mem_read(task, at, &args[i], arch->word) != arch->word)
			return -EFAULT;
		at += arch->word;
	}
	return 0;
}
