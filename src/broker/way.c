/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Code in a tool by which calls of its go past the filter: its pages, and the jumps there. */
#define _GNU_SOURCE
#include "way.h"

#include "compat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HINT = 1 << 27 };

int tl__way_open(struct tl__way *w, pid_t pid)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	w->mem = open(path, O_RDWR | O_CLOEXEC);
	return w->mem < 0 ? -errno : 0;
}

void tl__way_close(struct tl__way *w)
{
	close(w->mem);
	w->mem = -1;
}

int tl__way_set(const struct tl__way *w, const struct tl__bypass_modes *modes)
{
	const off_t at = TL__BYPASS_AT + TL__BYPASS_PAGE;

	return pwrite(w->mem, modes, sizeof(*modes), at) == sizeof(*modes) ? 0 : -EIO;
}

bool tl__way_fits(const struct tl__way *w, const struct tl__notice *n)
{
	uint8_t site[TL__BYPASS_SITE];
	int32_t nr;

	return pread(w->mem, site, sizeof(site), (off_t)(n->ip - sizeof(site))) == sizeof(site) &&
	       tl__bypass_fits(site, &nr) && nr == n->nr;
}

/* Two pages where the filter knows them, and one near the calls. */
bool tl__way_make_room(struct tl__way *w, struct tl__puppet *p, uint64_t insn)
{
	static const uint8_t call[] = { 0x0f, 0x05, 0xeb, 0xfe }; /* and in place */
	const struct tl__bypass_modes closed = { 0 };
	const uint64_t rw = PROT_READ | PROT_WRITE, rx = PROT_READ | PROT_EXEC;
	const uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS, page = TL__BYPASS_PAGE;
	int64_t at;

	at = tl__puppet_call(p, insn, SYS_mmap,
			     (uint64_t[6]){ TL__BYPASS_AT, 2 * page, rw,
					    flags | MAP_FIXED_NOREPLACE, ~(uint64_t)0, 0 });
	if ((uint64_t)at != TL__BYPASS_AT)
		return false;
	at = tl__puppet_call(
		p, insn, SYS_mmap,
		(uint64_t[6]){ (insn - HINT) & ~(page - 1), page, rx, flags, ~(uint64_t)0, 0 });
	if (at < 0 && at > -4096)
		return false;
	w->near = (uint64_t)at;
	return tl__puppet_call(p, insn, SYS_mprotect, (uint64_t[6]){ TL__BYPASS_AT, page, rx }) ==
		       0 &&
	       tl__puppet_call(p, insn, SYS_madvise,
			       (uint64_t[6]){ TL__BYPASS_AT + page, page, MADV_WIPEONFORK }) == 0 &&
	       pwrite(w->mem, call, sizeof(call), TL__WAY_INSN) == sizeof(call) &&
	       tl__way_set(w, &closed) == 0;
}

/* The entry, the way there, and last the jump in the program's own code. */
bool tl__way_add(struct tl__way *w, const struct tl__notice *n, enum tl__bypass_kind kind)
{
	uint64_t at = n->ip - TL__BYPASS_SITE;
	uint64_t entry = TL__BYPASS_AT + (uint64_t)w->entries * TL__BYPASS_ENTRY;
	uint64_t near = w->near + (uint64_t)w->entries * TL__BYPASS_NEAR;
	uint8_t code[2 * TL__BYPASS_ENTRY], jump[TL__BYPASS_NEAR], patch[TL__BYPASS_PATCH];
	size_t size;

	if (!tl__way_has_room(w, kind))
		return false;
	size = tl__bypass_entry(code, entry, n->nr, kind, n->ip);
	tl__bypass_near(jump, entry);
	if (!tl__bypass_patch(patch, at, near) ||
	    pwrite(w->mem, code, size, (off_t)entry) != (ssize_t)size ||
	    pwrite(w->mem, jump, sizeof(jump), (off_t)near) != sizeof(jump))
		return false;
	w->entries += tl__bypass_entries(kind);
	return pwrite(w->mem, patch, sizeof(patch), (off_t)at) == sizeof(patch);
}

bool tl__way_has_room(const struct tl__way *w, enum tl__bypass_kind kind)
{
	return w->entries + tl__bypass_entries(kind) <= TL__BYPASS_ENTRIES;
}

int tl__way_show(const struct tl__way *w, const struct tl__bypass_data *data)
{
	const off_t at = TL__BYPASS_AT + TL__BYPASS_PAGE;

	return pwrite(w->mem, data, sizeof(*data), at) == sizeof(*data) ? 0 : -EIO;
}

static const off_t told_at =
	TL__BYPASS_AT + TL__BYPASS_PAGE + offsetof(struct tl__bypass_data, told);
_Static_assert(TL__BYPASS_AT + TL__BYPASS_PAGE + sizeof(struct tl__bypass_data) <= TL__WAY_ROOM,
	       "what calls of ours say lies behind it");

int tl__way_tell(const struct tl__way *w)
{
	const uint8_t yes = 1;

	return pwrite(w->mem, &yes, 1, told_at) == 1 ? 0 : -EIO;
}

/* The kernel's locks lie between the write and the read. */
int tl__way_withdraw(const struct tl__way *w, bool *ret_taken)
{
	struct tl__bypass_told now = { .withdrawn = 1 };
	const off_t at = told_at + (off_t)offsetof(struct tl__bypass_told, withdrawn);

	if (pwrite(w->mem, &now.withdrawn, 1, at) != 1 ||
	    pread(w->mem, &now, sizeof(now), told_at) != sizeof(now))
		return -EIO;
	*ret_taken = now.taken;
	return 0;
}

bool tl__way_stack(pid_t pid, uint64_t *ret_low, uint64_t *ret_high)
{
	char path[40], line[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, " [stack]\n") &&
			sscanf(line, "%" SCNx64 "-%" SCNx64 " rw", ret_low, ret_high) == 2;
	if (f)
		fclose(f);
	return found;
}
