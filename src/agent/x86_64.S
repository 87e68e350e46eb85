/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handler of last resort for SIGTRAP, x86-64. Runs with all signals blocked, when there is no
 * tracer. void (rdi: sig, rsi: siginfo, rdx: ucontext)
 */
#include "layout.h"

#define SI_CODE   8
#define SI_KERNEL 0x80
#define UC_IP     168

	.text
begin:
	leaq	begin-TL__HEAD_CODE(%rip), %rdi
	movq	%rdi, %r8
	movq	UC_IP(%rdx), %rax
	leaq	-1(%rax), %rcx
	cmpl	$SI_KERNEL, SI_CODE(%rsi)
	jne	other
area:
	movq	%rcx, %r9
	shrq	$12, %r9
	xorl	%ecx, %r9d
	andl	$(TL__AREA_NBUCKET - 1), %r9d
	movzwl	TL__AREA_BUCKETS(%r8,%r9,2), %r9d
entry:
	testl	%r9d, %r9d
	jz	inside
	leaq	(%r9,%r9,4), %r9
	shlq	$4, %r9
	leaq	TL__AREA_FIRST(%r8,%r9), %r9
	cmpq	%rcx, (%r9)
	je	found
	movzwl	TL__ENTRY_NEXT(%r9), %r9d
	jmp	entry
found:
	addq	$TL__ENTRY_SIZE, %r9
	movq	%r9, UC_IP(%rdx)
	ret
	/* A tracer has moved the pc, and the signal was not taken: it goes on. */
inside:
	movq	%rax, %r10
	subq	%r8, %r10
	cmpq	$TL__AREA_SIZE, %r10
	jb	done
	movq	TL__HEAD_NEXT(%r8), %r8
	testq	%r8, %r8
	jnz	area
	/* Executed before it was taken away: the instruction there is still to come. */
	movzbl	(%rcx), %eax
	cmpl	$0xcc, %eax
	je	deliver
	cmpl	$3, %eax
	jne	again
	cmpb	$0xcd, -1(%rcx)
	je	deliver
again:
	movq	%rcx, UC_IP(%rdx)
done:
	ret
	/* Somebody's signal, which the program has ignored. */
other:
	testl	$TL__AREA_WAS_IGNORED, TL__HEAD_FLAGS(%rdi)
	jz	deliver
	cmpl	$0, SI_CODE(%rsi)
	jle	done
	/* As if there were no handler: reset, and sent once more as it came. */
deliver:
	movq	%rsi, %r12
	leaq	TL__HEAD_NONE(%rdi), %rsi
	movl	$5, %edi
	xorl	%edx, %edx
	movl	$8, %r10d
	movl	$13, %eax
	syscall
	movl	$39, %eax
	syscall
	movl	%eax, %edi
	movl	$186, %eax
	syscall
	movl	%eax, %esi
	movl	$5, %edx
	movq	%r12, %r10
	movl	$297, %eax
	syscall
	ret

	.org	TL__HEAD_RETURN
	movl	$15, %eax
	syscall
