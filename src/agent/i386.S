/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handler of last resort for SIGTRAP, i386. Runs with all signals blocked, when there is no
 * tracer. void (4(%esp): sig, 8(%esp): siginfo, 12(%esp): ucontext)
 */
#include "layout.h"

#define SI_CODE   8
#define SI_KERNEL 0x80
#define UC_IP     76

	.text
	.code32
begin:
	movl	8(%esp), %esi
	movl	12(%esp), %edi
	call	here
here:
	popl	%ebx
	subl	$(here - begin + TL__HEAD_CODE), %ebx
	movl	%ebx, %ebp
	movl	UC_IP(%edi), %ecx
	decl	%ecx
	cmpl	$SI_KERNEL, SI_CODE(%esi)
	jne	other
area:
	movl	%ecx, %eax
	shrl	$12, %eax
	xorl	%ecx, %eax
	andl	$(TL__AREA_NBUCKET - 1), %eax
	movzwl	TL__AREA_BUCKETS(%ebx,%eax,2), %eax
entry:
	testl	%eax, %eax
	jz	inside
	leal	(%eax,%eax,4), %eax
	shll	$4, %eax
	leal	TL__AREA_FIRST(%ebx,%eax), %eax
	cmpl	%ecx, (%eax)
	je	found
	movzwl	TL__ENTRY_NEXT(%eax), %eax
	jmp	entry
found:
	addl	$TL__ENTRY_SIZE, %eax
	movl	%eax, UC_IP(%edi)
	ret
	/* A tracer has moved the pc, and the signal was not taken: it goes on. */
inside:
	movl	UC_IP(%edi), %eax
	subl	%ebx, %eax
	cmpl	$TL__AREA_SIZE, %eax
	jb	done
	movl	TL__HEAD_NEXT(%ebx), %ebx
	testl	%ebx, %ebx
	jnz	area
	/* Executed before it was taken away: the instruction there is still to come. */
	movzbl	(%ecx), %eax
	cmpl	$0xcc, %eax
	je	deliver
	cmpl	$3, %eax
	jne	again
	cmpb	$0xcd, -1(%ecx)
	je	deliver
again:
	movl	%ecx, UC_IP(%edi)
done:
	ret
	/* Somebody's signal, which the program has ignored. */
other:
	testl	$TL__AREA_WAS_IGNORED, TL__HEAD_FLAGS(%ebp)
	jz	deliver
	cmpl	$0, SI_CODE(%esi)
	jle	done
	/* As if there were no handler: reset, and sent once more as it came. */
deliver:
	movl	%esi, %edi
	leal	TL__HEAD_NONE(%ebp), %ecx
	movl	$5, %ebx
	xorl	%edx, %edx
	movl	$8, %esi
	movl	$174, %eax
	int	$0x80
	movl	$20, %eax
	int	$0x80
	movl	%eax, %ebx
	movl	$224, %eax
	int	$0x80
	movl	%eax, %ecx
	movl	$5, %edx
	movl	%edi, %esi
	movl	$335, %eax
	int	$0x80
	ret

	.org	TL__HEAD_RETURN
	movl	$173, %eax
	int	$0x80
