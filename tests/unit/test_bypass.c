/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way past the filter: executed here, where nothing is filtered. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bypass.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
/* A program's own wrapper: the call's result in rax, behind which it returns. */
static const uint8_t wrapper[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3 };

static uint8_t *room(void *at, size_t len)
{
	void *p = mmap(at, len, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

struct rooms {
	uint8_t *page, *near;
	struct tl__bypass_data *data;
};

static struct rooms rooms(void)
{
	uint8_t *page = room((void *)(uintptr_t)TL__BYPASS_AT, 2 * TL__BYPASS_PAGE);

	return (struct rooms){ page, room(NULL, TL__BYPASS_PAGE),
			       (void *)(page + TL__BYPASS_PAGE) };
}

static void leave_rooms(const struct rooms *r)
{
	munmap(r->page, 2 * TL__BYPASS_PAGE);
	munmap(r->near, TL__BYPASS_PAGE);
}

typedef long call(long a, long b, long c);

static call *patched(const struct rooms *r, unsigned which, int32_t nr, enum tl__bypass_kind kind)
{
	uint8_t *page = r->page, *near = r->near;
	uint8_t *code = near + 1024 + which * 64;
	uint64_t entry = (uint64_t)(uintptr_t)page + which * TL__BYPASS_ENTRY;
	int32_t is;
	call *made;

	memcpy(code, wrapper, sizeof(wrapper));
	memcpy(code + 1, &nr, 4);
	assert_true(tl__bypass_fits(code, &is));
	assert_int_equal(is, nr);
	tl__bypass_entry(page + which * TL__BYPASS_ENTRY, entry, nr, kind,
			 (uint64_t)(uintptr_t)code + TL__BYPASS_SITE);
	tl__bypass_near(near + which * TL__BYPASS_NEAR, entry);
	assert_true(tl__bypass_patch(code, (uint64_t)(uintptr_t)code,
				     (uint64_t)(uintptr_t)near + which * TL__BYPASS_NEAR));
	assert_false(tl__bypass_fits(code, &is));
	memcpy(&made, &code, sizeof(made));
	return made;
}

static void test_calls_are_made(void **state)
{
	struct rooms r = rooms();
	struct tl__bypass_modes *modes = &r.data->modes;
	call *pid = patched(&r, 0, SYS_getpid, TL__BYPASS_ALL);
	call *trace = patched(&r, 1, SYS_ptrace, TL__BYPASS_TRACES);
	static const long requests[] = { 24, 0x420e, 0x4202, 0x4201, 0x4204, 7, 0x4203, 16 };

	(void)state;
	for (unsigned mode = 0; mode < 4; mode++) {
		*modes = (struct tl__bypass_modes){ mode & 1, mode >> 1 };
		assert_int_equal(pid(0, 0, 0), getpid());
		/* Of nobody's tracee, whichever way they take. */
		for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
			assert_true(trace(requests[i], 0x7ffffff0, 0) < 0);
	}
	/* Closed, it leads back from in front of the call as well. */
	*modes = (struct tl__bypass_modes){ 1, 1 };
	tl__bypass_close(r.page);
	assert_int_equal(pid(0, 0, 0), getpid());
	assert_true(trace(24, 0x7ffffff0, 0) < 0);
	for (size_t i = 0; i + 1 < 2 * TL__BYPASS_ENTRY; i++)
		assert_false(r.page[i] == 0x0f && r.page[i + 1] == 0x05);
	leave_rooms(&r);
}

/* Which of two calls is made says what way was taken: in the program's own place there is another.
 */
static void put_another(uint8_t *near, unsigned which)
{
	/* xor $1, %al */
	memcpy(near + 1024 + which * 64 + TL__BYPASS_PATCH, "\x34\x01", 2);
}

static void test_goes_by_its_byte(void **state)
{
	struct rooms r = rooms();
	struct tl__bypass_modes *modes = &r.data->modes;
	call *reads = patched(&r, 0, SYS_getpid, TL__BYPASS_READS);
	call *waits = patched(&r, 1, SYS_getpid, TL__BYPASS_WAITS);
	const long any = 0x40000001, back = SYS_getpid ^ 1;

	(void)state;
	put_another(r.near, 0);
	put_another(r.near, 1);
	for (unsigned mode = 0; mode < 16; mode++) {
		long past = getpid();

		*modes = (struct tl__bypass_modes){ mode & 1, mode >> 1 & 1, mode >> 2 & 1,
						    mode >> 3 & 1 };
		assert_int_equal(reads(3, 0, 0), modes->reads ? past : back);
		assert_int_equal(waits(-1, 0, any), modes->waits ? past : back);
		/* The upper halves of what is narrow mean nothing. */
		assert_int_equal(waits(0xffffffff, 0, any), modes->waits ? past : back);
		assert_int_equal(waits(1, 0, any), back);
		assert_int_equal(waits(-1, 0, 1), back);
		assert_int_equal(waits(-1, 0, any | 2), back);
	}
	leave_rooms(&r);
}

/* The fourth argument goes in r10; no register changes but those that a call may change. */
static long ask(call *site, long request, long tid, long addr, void *data)
{
	register void *r10 __asm__("r10") = data;
	register long r8 __asm__("r8") = 8, r9 __asm__("r9") = 9;
	long r = (long)site, rdi = request, rsi = tid, rdx = addr;

	__asm__ volatile("lea -128(%%rsp), %%rsp; call *%%rax; lea 128(%%rsp), %%rsp"
			 : "+a"(r), "+r"(r10), "+r"(r8), "+r"(r9), "+D"(rdi), "+S"(rsi), "+d"(rdx)
			 :
			 : "rcx", "r11", "memory", "cc");
	assert_true(r10 == data && r8 == 8 && r9 == 9);
	assert_true(rdi == request && rsi == tid && rdx == addr);
	return r;
}

struct asked {
	uint64_t before, at[TL__BYPASS_REGS / 8], behind;
};

static void test_stop_is_answered(void **state)
{
	enum { PEEKUSER = 3, GETREGS = 12, GETSIGINFO = 0x4202, TID = 4711, BACK = 1, LEFT = 77 };
	/* Where the call would be made, and behind it: jmp over; ret; mov $1, %eax; ret. */
	static const uint8_t code[] = { 0xeb, 0x01, 0xc3, 0xb8, BACK, 0, 0, 0, 0xc3 };
	struct rooms r = rooms();
	struct tl__bypass_data *data = r.data;
	call *site = patched(&r, 0, 101, TL__BYPASS_STOPS);
	struct asked got;

	(void)state;
	memcpy(r.near + 1024 + TL__BYPASS_PATCH, code, sizeof(code));
	for (unsigned i = 0; i < TL__BYPASS_REGS; i++)
		data->stop.regs[i] = (uint8_t)(i + 1);
	for (unsigned i = 0; i < TL__BYPASS_INFO; i++)
		data->stop.info[i] = (uint8_t)(2 * i + 1);
	data->stop.dr6 = 0xffff4ff0;
	data->stop.tid = TID;
	data->stop.tracer = (int32_t)syscall(SYS_gettid);
	data->stop.low = (uintptr_t)&got;
	data->stop.high = (uintptr_t)got.at;
	for (unsigned offset = 0; offset < 1024; offset++) {
		bool is_reg = offset < TL__BYPASS_REGS && offset % 8 == 0;
		uint64_t value = LEFT;

		data->modes.stop = 1;
		got.at[0] = LEFT;
		if (is_reg)
			memcpy(&value, data->stop.regs + offset, 8);
		else if (offset == TL__BYPASS_DR6)
			value = data->stop.dr6;
		assert_int_equal(ask(site, PEEKUSER, TID, offset, got.at), value == LEFT);
		assert_int_equal(got.at[0], value);
		assert_int_equal(data->modes.stop, 1);
	}
	got = (struct asked){ .before = LEFT, .behind = LEFT };
	assert_int_equal(ask(site, GETREGS, TID, 0, got.at), 0);
	assert_memory_equal(got.at, data->stop.regs, TL__BYPASS_REGS);
	assert_int_equal(ask(site, GETSIGINFO, TID, 0, got.at), 0);
	assert_memory_equal(got.at, data->stop.info, TL__BYPASS_INFO);
	assert_memory_equal((uint8_t *)got.at + TL__BYPASS_INFO, data->stop.regs + TL__BYPASS_INFO,
			    TL__BYPASS_REGS - TL__BYPASS_INFO);
	assert_true(got.before == LEFT && got.behind == LEFT);
	/* Others, and all for whom it is not there, are told of. */
	assert_int_equal(ask(site, 9, TID, 0, got.at), BACK);
	assert_int_equal(ask(site, GETREGS, TID + 1, 0, got.at), BACK);
	assert_int_equal(ask(site, GETREGS, TID, 0, (uint8_t *)got.at + 1), BACK);
	assert_int_equal(ask(site, GETREGS, TID, 0, (void *)((uintptr_t)&got - 1)), BACK);
	assert_int_equal(ask(site, GETREGS, TID, 0, (void *)-8), BACK);
	assert_int_equal(ask(site, GETREGS, TID, 0, NULL), BACK);
	data->stop.tracer++;
	assert_int_equal(ask(site, GETREGS, TID, 0, got.at), BACK);
	data->stop.tracer--;
	data->modes.stop = 0;
	assert_int_equal(ask(site, GETREGS, TID, 0, got.at), BACK);
	leave_rooms(&r);
}

static void test_status_is_taken_once(void **state)
{
	enum { TID = 4711, STATUS = 0x57f, ANY = 0x40000001, BACK = 1 };
	static const uint8_t code[] = { 0xeb, 0x01, 0xc3, 0xb8, BACK, 0, 0, 0, 0xc3 };
	struct rooms r = rooms();
	struct tl__bypass_data *data = r.data;
	/* Of a call that changes nothing: where it is made itself it fails. */
	call *site = patched(&r, 0, 1000, TL__BYPASS_WAITS);
	int32_t status[3] = { 0 };
	uintptr_t at = (uintptr_t)&status[1];

	(void)state;
	memcpy(r.near + 1024 + TL__BYPASS_PATCH, code, sizeof(code));
	data->stop.tid = TID;
	data->stop.tracer = (int32_t)syscall(SYS_gettid);
	data->stop.status = STATUS;
	data->stop.low = data->stop.high = at;
	for (unsigned waits = 0; waits < 2; waits++) {
		data->modes.waits = (uint8_t)waits;
		data->told = (struct tl__bypass_told){ .told = 1, .turn = (uint8_t)(255 * waits) };
		/* Not for these: it is left for who asks as it can be answered. */
		assert_int_equal(ask(site, TID, (long)at, ANY, NULL), BACK);
		assert_int_equal(ask(site, -1, (long)at, ANY | 2, NULL), BACK);
		assert_int_equal(ask(site, -1, (long)at, ANY, status), BACK);
		assert_int_equal(ask(site, -1, (long)at - 1, ANY, NULL), BACK);
		assert_int_equal(ask(site, -1, (long)at + 1, ANY, NULL), BACK);
		assert_int_equal(ask(site, -1, 0, ANY, NULL), BACK);
		data->stop.tracer++;
		assert_int_equal(ask(site, -1, (long)at, ANY, NULL), BACK);
		data->stop.tracer--;
		assert_true(data->told.told && !data->told.taken);
		assert_int_equal(ask(site, -1, (long)at, ANY, NULL), TID);
		assert_true(!status[0] && status[1] == STATUS && !status[2]);
		assert_true(data->told.told && !data->told.withdrawn && data->told.taken);
		assert_int_equal(data->told.turn, 255 * waits);
		status[1] = 0;
		data->told.taken = !(data->told.withdrawn = 1);
		assert_int_equal(ask(site, -1, (long)at, ANY, NULL), waits ? -ENOSYS : BACK);
		assert_true(!status[0] && !status[1] && !status[2]);
	}
	leave_rooms(&r);
}

static void test_leaves_anywhere(void **state)
{
	static uint8_t page[TL__BYPASS_PAGE];
	const uint64_t after = 0x7f0000001007, entry = TL__BYPASS_AT + 3 * TL__BYPASS_ENTRY;
	unsigned calls = 0;

	(void)state;
	tl__bypass_entry(page + 3 * TL__BYPASS_ENTRY, entry, 101, TL__BYPASS_TRACES, after);
	assert_int_equal(tl__bypass_leave(page, 0x401000, true), 0x401000);
	for (uint64_t pc = entry; pc < entry + TL__BYPASS_ENTRY - 16; pc++) {
		uint64_t made = tl__bypass_leave(page, pc, true);

		if (made != after) {
			assert_int_equal(made, entry);
			continue;
		}
		/* Behind the one call that there is: its result is kept where it has one. */
		assert_int_equal(tl__bypass_leave(page, pc, false), pc);
		calls++;
	}
	assert_int_equal(calls, 1);
}
#endif

static void test_far_is_refused(void **state)
{
	uint8_t patch[TL__BYPASS_PATCH];

	(void)state;
	assert_true(tl__bypass_patch(patch, 0x7f0000000000, 0x7eff90000000));
	assert_false(tl__bypass_patch(patch, 0x7f0000000000, 0x7efe00000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(test_calls_are_made),
		cmocka_unit_test(test_goes_by_its_byte),
		cmocka_unit_test(test_stop_is_answered),
		cmocka_unit_test(test_status_is_taken_once),
		cmocka_unit_test(test_leaves_anywhere),
#endif
		cmocka_unit_test(test_far_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
