/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Register sets of variable size, and those that no lane has (streaming SVE, ZA, ZT, FPMR, POE,
 * GCS): what a kernel would answer, and what is made of it.
 */
#include "core.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Of a machine with vectors of 32 bytes. */
static const struct served {
	const char *name;
	uint32_t note;
	int len; /* or what the kernel refuses it with */
} sets[] = {
	{ "sve", 0x405, 16 + 32 * 32 + 17 * 4 + 12 },
	{ "ssve", 0x40b, 16 },
	{ "za", 0x40c, 16 + 32 * 32 },
	{ "zt", 0x40d, 64 },
	{ "fpmr", 0x40e, 8 },
	{ "pac_mask", 0x406, 16 },
	{ "poe", 0x40f, 8 },
	{ "gcs", 0x410, 24 },
	{ "tls", 0x401, 8 },
	{ "tagged_addr_ctrl", 0x409, -ENODEV },
};

static uint32_t written;
static size_t written_len;

static int of(uint64_t note)
{
	if (note == 1)
		return 272;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		if (sets[i].note == note)
			return sets[i].len;
	return -EINVAL;
}

static int answer(struct tl__sys *sys, enum tl__pt_request req, pid_t tid, uint64_t addr,
		  uint64_t data, void *buf, size_t len)
{
	int n = of(addr);

	(void)sys;
	(void)tid;
	(void)data;
	if (req == TL__PT_SETREGSET) {
		written = (uint32_t)addr;
		written_len = len;
		return n < 0 ? n : 0;
	}
	if (req != TL__PT_GETREGSET)
		return -EIO;
	if (n > 0 && (size_t)n > len)
		n = (int)len;
	if (n > 0)
		memset(buf, 0x5a, (size_t)n);
	return n;
}

static int feature(struct tl__sys *sys, enum tl__feature f)
{
	(void)sys;
	(void)f;
	return 1;
}

static const struct tl__sys_ops ops = { .ptrace = answer, .feature = feature };
static struct tl__sys sys = { .ops = &ops };
static struct tl_session session = { .sys = &sys };
static struct tl_task task = { .session = &session, .tid = 1, .state = TL__TASK_STOPPED };
static uint8_t bytes[1 << 17];

static const struct tl__regset *known(const char *name)
{
	const struct tl__view *view = tl__arch_arm64.view;

	for (size_t i = 0; i < view->n; i++)
		if (!strcmp(view->sets[i].name, name))
			return &view->sets[i];
	fail_msg("no set %s", name);
	return NULL;
}

static void each_is_read_whole_or_not_at_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		const struct tl__regset *set = known(sets[i].name);
		size_t most = (size_t)set->size * set->count;

		assert_int_equal(set->note, sets[i].note);
		if (sets[i].len < 0) {
			assert_int_equal(tl__regset_read(&task, set->note, bytes, most),
					 -EOPNOTSUPP);
			continue;
		}
		assert_true((size_t)sets[i].len <= most);
		assert_int_equal(tl__regset_read(&task, set->note, bytes, most), sets[i].len);
		assert_int_equal(tl__regset_read(&task, set->note, bytes, sizeof(bytes)),
				 sets[i].len);
		memset(bytes, 0, sizeof(bytes));
		assert_int_equal(tl__regset_read(&task, set->note, bytes, (size_t)sets[i].len - 1),
				 -ERANGE);
		assert_int_equal(bytes[0], 0);
	}
	assert_int_equal(tl__regset_read(&task, 0x7777, bytes, 64), -EOPNOTSUPP);
}

static void writes_are_judged_by_size_and_kind(void **state)
{
	(void)state;
	assert_int_equal(tl__regset_write(&task, 0x410, bytes, 24), 0);
	assert_int_equal(written, 0x410);
	assert_int_equal(written_len, 24);
	/* As much of a vector set as there is. */
	assert_int_equal(tl__regset_write(&task, 0x40c, bytes, 16 + 32 * 32), 0);
	written = 0;
	assert_int_equal(tl__regset_write(&task, 0x410, bytes, 12), -EINVAL);
	assert_int_equal(tl__regset_write(&task, 0x410, bytes, 32), -EINVAL);
	assert_int_equal(tl__regset_write(&task, 0x40d, bytes, 0), -EINVAL);
	assert_int_equal(tl__regset_write(&task, 0x406, bytes, 16), -EPERM);
	assert_int_equal(written, 0);
	assert_int_equal(tl__regset_write(&task, 0x7777, bytes, 8), -EOPNOTSUPP);
	assert_int_equal(tl__regset_write(&task, 0x409, bytes, 8), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_read_whole_or_not_at_all),
		cmocka_unit_test(writes_are_judged_by_size_and_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
