/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handler of last resort for SIGTRAP, arm64. Runs with all signals blocked, when there is no
 * tracer. void (x0: sig, x1: siginfo, x2: ucontext)
 */
#include "layout.h"

#define SI_CODE    8
#define TRAP_BRKPT 1
#define UC_IP      440

	.text
begin:
	adr	x9, begin
	sub	x9, x9, #TL__HEAD_CODE
	mov	x10, x9
	ldr	x11, [x2, #UC_IP]
	ldr	w12, [x1, #SI_CODE]
	cmp	w12, #TRAP_BRKPT
	b.ne	other
area:
	eor	x12, x11, x11, lsr #12
	and	x12, x12, #(TL__AREA_NBUCKET - 1)
	add	x13, x10, #TL__AREA_BUCKETS
	ldrh	w12, [x13, x12, lsl #1]
	mov	w15, #TL__AREA_FIRST
	mov	w16, #TL__AREA_STRIDE
	add	x15, x15, x10
entry:
	cbz	w12, inside
	madd	x13, x12, x16, x15
	ldr	x14, [x13]
	cmp	x14, x11
	b.eq	found
	ldrh	w12, [x13, #TL__ENTRY_NEXT]
	b	entry
found:
	add	x13, x13, #TL__ENTRY_SIZE
	str	x13, [x2, #UC_IP]
	ret
	/* A tracer has moved the pc, and the signal was not taken: it goes on. */
inside:
	sub	x12, x11, x10
	lsr	x12, x12, #20
	cbz	x12, done
	ldr	x10, [x10, #TL__HEAD_NEXT]
	cbnz	x10, area
	/* Executed before it was taken away: the instruction there is still to come. */
	ldr	w12, [x11]
	mov	w13, #0xffe0001f
	and	w12, w12, w13
	mov	w13, #0xd4200000
	cmp	w12, w13
	b.eq	deliver
done:
	ret
	/* Somebody's signal, which the program has ignored. */
other:
	ldr	w13, [x9, #TL__HEAD_FLAGS]
	tbz	w13, #0, deliver
	cmp	w12, #0
	b.le	done
	/* As if there were no handler: reset, and sent once more as it came. */
deliver:
	mov	x19, x1
	mov	x0, #5
	add	x1, x9, #TL__HEAD_NONE
	mov	x2, #0
	mov	x3, #8
	mov	x8, #134
	svc	#0
	mov	x8, #172
	svc	#0
	mov	x20, x0
	mov	x8, #178
	svc	#0
	mov	x1, x0
	mov	x0, x20
	mov	x2, #5
	mov	x3, x19
	mov	x8, #240
	svc	#0
	ret

	.org	TL__HEAD_RETURN
	mov	x8, #139
	svc	#0
