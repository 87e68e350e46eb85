/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Static probes by notes written by hand, and the counter of who listens to one. Usage: noted
 * [fork]. With fork it waits until nobody listens, as its child does, and says what they have seen.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if __SIZEOF_POINTER__ == 8
#define ADDRESS ".8byte "
#define WORD    "8"
#else
#define ADDRESS ".4byte "
#define WORD    "4"
#endif

/* The note of the instruction here: three addresses and three strings. */
#define NOTED(name, counter, args, ...)                                                            \
	__asm__ volatile("990:	nop\n"                                                              \
			 ".pushsection .note.stapsdt, \"\", %%note\n"                              \
			 ".balign 4\n"                                                             \
			 ".4byte 992f - 991f, 994f - 993f, 3\n"                                    \
			 "991: .asciz \"stapsdt\"\n"                                               \
			 "992: .balign 4\n"                                                        \
			 "993: " ADDRESS "990b\n" ADDRESS "_.stapsdt.base\n" ADDRESS counter "\n"  \
			 ".asciz \"demo\"\n"                                                       \
			 ".asciz \"" name "\"\n"                                                   \
			 ".asciz \"" args "\"\n"                                                   \
			 "994: .balign 4\n"                                                        \
			 ".popsection\n"                                                           \
			 ".ifndef _.stapsdt.base\n"                                                \
			 ".pushsection .stapsdt.base, \"aG\", %%progbits, .stapsdt.base, "         \
			 "comdat\n"                                                                \
			 ".weak _.stapsdt.base\n"                                                  \
			 ".hidden _.stapsdt.base\n"                                                \
			 "_.stapsdt.base: .space 1\n"                                              \
			 ".size _.stapsdt.base, 1\n"                                               \
			 ".popsection\n"                                                           \
			 ".endif\n"                                                                \
			 :                                                                         \
			 : __VA_ARGS__)

__attribute__((section(".probes"), visibility("hidden"))) volatile uint16_t listening;

struct step {
	int8_t way;
	uint16_t size;
};

static const char *const names[] = { "zero", "one", "two", "three", "four" };

static int work(void)
{
	int listened = 0;

	for (int i = 0; i < 5; i++) {
		struct step step = { .way = (int8_t)-i, .size = (uint16_t)(60000 + i) };

		listened += listening != 0;
		NOTED("step", "listening", "-4@%0 " WORD "@%1 -1@%2 2@%3 -4@%4", "r"(i),
		      "r"(names[i]), "m"(step.way), "m"(step.size), "i"(77));
		NOTED("plain", "0", "");
	}
	return listened;
}

static int wait_alone(void)
{
	for (int i = 0; listening && i < 5000; i++)
		usleep(1000);
	return listening;
}

int main(int argc, char **argv)
{
	int listened = work(), status = 0;
	pid_t pid;

	if (argc < 2 || strcmp(argv[1], "fork") != 0) {
		printf("listened %d\n", listened);
		return 0;
	}
	pid = fork();
	if (pid == 0) {
		listened = work();
		_exit(wait_alone() ? 100 : listened);
	}
	waitpid(pid, &status, 0);
	printf("listened %d, child %d, left %d\n", listened, WEXITSTATUS(status), wait_alone());
	return 0;
}
