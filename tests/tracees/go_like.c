/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What makes a program one of Go to those who look at it: a section, and names with their package.
 */
#include <stdio.h>

__attribute__((section(".gopclntab"), used)) static const char table[] = "table";

__attribute__((noinline)) long add(long a) __asm__("main.add");

long add(long a)
{
	__asm__ volatile("" : "+r"(a));
	return a + 1;
}

__attribute__((noinline)) long plain(long a)
{
	__asm__ volatile("" : "+r"(a));
	return a + 2;
}

int main(void)
{
	printf("%ld\n", add(1) + plain(2));
	return 0;
}
