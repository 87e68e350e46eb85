/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program that computes in vectors of arm64's SVE, and in streaming mode of SME, without a
 * system call: registers that one would empty. Calls hot() in between.
 *
 * Until SIGTERM. Says how often a register was not as it was left; status 1 where one was,
 * 2 where there are no such vectors.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

enum { MOST = 256 };
#define HAS_SVE (1ul << 22) /* HWCAP_SVE */
#define HAS_SME (1ul << 23) /* HWCAP2_SME */

static uint8_t in[MOST], out[MOST];

__attribute__((noinline)) long hot(long a)
{
	__asm__ volatile("" ::: "memory");
	return a * 3;
}

#define COMPUTES                                                                                   \
	"ldr z7, [%1]\n"                                                                           \
	"mov x9, #0x200000\n"                                                                      \
	"1: subs x9, x9, #1\n"                                                                     \
	"b.ne 1b\n"                                                                                \
	"str z7, [%2]\n"

static uint64_t computes(void)
{
	uint64_t length;

	__asm__ volatile(".arch_extension sve\nrdvl %0, #1\n" COMPUTES
			 : "=&r"(length)
			 : "r"(in), "r"(out)
			 : "x9", "v7", "memory", "cc");
	return length;
}

static uint64_t streams(void)
{
	uint64_t length;

	/* smstart sm; ...; smstop sm */
	__asm__ volatile(
		".arch_extension sve\n.inst 0xd503437f\nrdvl %0, #1\n" COMPUTES ".inst 0xd503427f\n"
		: "=&r"(length)
		: "r"(in), "r"(out)
		: "x9", "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9",
		  "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20",
		  "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
	return length;
}

static volatile sig_atomic_t over;

static void on_term(int sig)
{
	(void)sig;
	over = 1;
}

int main(void)
{
	long lost[2] = { 0, 0 };
	uint64_t length[2] = { 0, 0 };

	if (!(getauxval(AT_HWCAP) & HAS_SVE))
		return 2;
	for (int i = 0; i < MOST; i++)
		in[i] = (uint8_t)(i * 7 + 1);
	signal(SIGTERM, on_term);
	for (long i = 0; !over; i++) {
		int streaming = i % 2 && getauxval(AT_HWCAP2) & HAS_SME;

		memset(out, 0, sizeof(out));
		hot(i);
		length[streaming] = streaming ? streams() : computes();
		lost[streaming] += memcmp(in, out, length[streaming]) != 0;
	}
	printf("SVE %lu bytes: %ld lost; streaming %lu bytes: %ld lost\n", (unsigned long)length[0],
	       lost[0], (unsigned long)length[1], lost[1]);
	return lost[0] || lost[1];
}
