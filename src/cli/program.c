/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding the program that the command line names, and saying why it cannot run. */
#define _GNU_SOURCE
#include "cli.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return false;
	}
	return access(path, X_OK) == 0;
}

char *find_program(const char *name)
{
	const char *path = getenv("PATH"), *next;
	int err = ENOENT;

	if (strchr(name, '/'))
		return is_program(name) ? strdup(name) : NULL;
	if (!*name) {
		errno = ENOENT;
		return NULL;
	}
	for (path = path ? path : "/bin:/usr/bin"; *path; path = *next ? next + 1 : next) {
		char *full;

		next = strchrnul(path, ':');
		if (asprintf(&full, "%.*s%s%s", (int)(next - path), path, next > path ? "/" : "./",
			     name) < 0)
			return NULL;
		if (is_program(full))
			return full;
		if (errno == EACCES)
			err = EACCES;
		free(full);
	}
	errno = err;
	return NULL;
}

static const char *machine_name(unsigned machine)
{
	switch (machine) {
	case EM_AARCH64:
		return "arm64";
	case EM_ARM:
		return "arm";
	case EM_X86_64:
		return "x86-64";
	case EM_386:
		return "i386";
	case EM_RISCV:
		return "RISC-V";
	case EM_PPC64:
		return "POWER";
	case EM_S390:
		return "s390";
	default:
		return "another machine";
	}
}

static void explain_format(const char *name)
{
	unsigned char head[20] = { 0 };
	char *path = find_program(name);
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd >= 0 ? read(fd, head, sizeof(head)) : 0;

	if (fd >= 0)
		close(fd);
	free(path);
	if (n == sizeof(head) && !memcmp(head, ELFMAG, SELFMAG))
		say("cannot run %s: it is a program for %s, which this kernel does not run", name,
		    machine_name(head[18] | head[19] << 8u));
	else
		say("cannot run %s: not a program, and no #! line that names one. For a shell "
		    "script: -- sh %s",
		    name, name);
}

void explain_exec_failure(const char *name, int err)
{
	if (err == ENOEXEC)
		explain_format(name);
	else if (err == ENOENT && strchr(name, '/'))
		say("cannot run %s: no such file%s", name,
		    access(name, F_OK) == 0 ? " (the interpreter that it asks for)" : "");
	else if (err == ENOENT)
		say("cannot run %s: there is no such command in PATH", name);
	else if (err == EACCES)
		say("cannot run %s: permission denied%s", name,
		    access(name, F_OK) == 0 && access(name, X_OK) < 0
			    ? " (not executable; chmod +x would make it so)"
			    : "");
	else
		say("cannot run %s: %s", name, strerror(err));
}
