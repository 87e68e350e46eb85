/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls as text: names, classes, and arguments in strace's grammar.
 *
 * The decoder asks nobody but its source, so it serves a live task, a recording or a test buffer
 * alike. Nothing here needs a session or a thread of its own; one decoder must not be used by two
 * threads at once.
 */
#ifndef TRAPLINE_DECODE_H
#define TRAPLINE_DECODE_H

#include <trapline/engine.h>
#include <trapline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a descriptor is open on, beyond its path. */
struct tl_fd_info {
	uint32_t size; /* sizeof(struct tl_fd_info) */
	uint32_t mode; /* as in st_mode */
	uint64_t device, inode;
	int32_t pid;            /* that a pidfd is for; -1: dead and waited for; 0: no pidfd */
	int32_t protocol;       /* of a socket: IPPROTO_TCP, NETLINK_ROUTE; -1: not known */
	char protocol_name[32]; /* "TCP", "UNIX-STREAM"; "": not known */
	uint32_t local_len, peer_len;  /* bytes of the addresses; 0: not known */
	uint8_t local[128], peer[128]; /* struct sockaddr */
	uint64_t peer_inode;           /* the other end of a unix socket; 0: none, or not known */
};

/* Where memory and descriptors are looked up. */
struct tl_source {
	uint32_t size; /* sizeof(struct tl_source) */
	void *data;
	/* As tl_task_read_mem(): exact count, or -errno. */
	int64_t (*read_mem)(void *data, tl_addr addr, void *buf, size_t len);
	/* What /proc/PID/NAME links to ("fd/3"): length or -errno. NULL: descriptors are just
	 * numbers. */
	int64_t (*read_link)(void *data, const char *name, char *buf, size_t size);
	/* 0, or -errno. NULL: TL_DECODE_FD_DETAILS shows no more than TL_DECODE_FD_PATHS. */
	int (*fd_info)(void *data, int fd, struct tl_fd_info *ret_info);
};

/* A source that reads a task; *ret_source borrows it. */
TL_API void tl_source_task(struct tl_task *task, struct tl_source *ret_source);

enum tl_decode_flags {
	TL_DECODE_VERBOSE = 1,     /* whole structures and environments (strace -v) */
	TL_DECODE_FD_PATHS = 2,    /* 3</etc/passwd> (-y) */
	TL_DECODE_FD_DETAILS = 4,  /* sockets with their addresses too (-yy) */
	TL_DECODE_HEX_STRINGS = 8, /* escape what is not printable as \x (-x) */
	TL_DECODE_HEX_ALL = 16,    /* escape every character (-xx) */
	TL_DECODE_RAW = 32,        /* arguments as hex numbers */
};

struct tl_decode_options {
	uint32_t size; /* sizeof(struct tl_decode_options) */
	uint32_t flags;
	uint32_t max_string; /* bytes of a string that are shown; 0: 32 (-s) */
};

struct tl_decoder;

/* options may be NULL. -EINVAL, -ENOMEM. */
TL_CHECKED int tl_decoder_new(const struct tl_decode_options *options,
			      struct tl_decoder **ret_decoder);
TL_API void tl_decoder_free(struct tl_decoder *decoder); /* accepts NULL */

/* What a call's exit needs of its entry ("[128 => 2]"): one a call, zeroed by the entry. */
struct tl_decode_state {
	uint64_t values[2];
};

/*
 * The call as far as its entry can tell: "read(3, " - name, parenthesis, and the arguments up to
 * the first that the kernel fills in. state may be NULL here and at exit. Borrowed, until the
 * decoder is used again. Never NULL, even out of memory.
 */
TL_API const char *tl_decode_entry(struct tl_decoder *decoder, const struct tl_syscall *call,
				   const struct tl_source *source, struct tl_decode_state *state);

/* The rest, at exit, ")" included but not the result: "\"root:x\"..., 4096)". Borrowed likewise. */
TL_API const char *tl_decode_exit(struct tl_decoder *decoder, const struct tl_syscall *call,
				  const struct tl_source *source,
				  const struct tl_decode_state *state);

/* The result: "0", "-1 ENOENT (No such file or directory)", "? ERESTARTSYS (...)". Borrowed
 * likewise. */
TL_API const char *tl_decode_result(struct tl_decoder *decoder, const struct tl_syscall *call,
				    const struct tl_source *source);

/*
 * One argument's text, at exit or at entry; NULL past the last, and "" at entry for what the kernel
 * has yet to fill in. Borrowed likewise.
 */
TL_API const char *tl_decode_argument(struct tl_decoder *decoder, const struct tl_syscall *call,
				      const struct tl_source *source, unsigned index, bool at_exit);

/* Whether a path argument is this path, or a descriptor argument is open on it (-P). */
TL_API bool tl_decode_touches(struct tl_decoder *decoder, const struct tl_syscall *call,
			      const struct tl_source *source, const char *path);

/* "openat"; NULL for a number that the ABI does not have. */
TL_API const char *tl_syscall_name(enum tl_abi abi, int64_t nr);
/* The number of a name, or -ENOENT. Some i386 names are older calls than their 64-bit namesakes. */
TL_CHECKED int tl_syscall_number(enum tl_abi abi, const char *name);
/* The name nearest to a mistyped one, or NULL when none is near. */
TL_API const char *tl_syscall_nearest(const char *name);
/* How many arguments the call has; 6 when it is unknown. */
TL_API unsigned tl_syscall_argument_count(enum tl_abi abi, int64_t nr);

/* Whether a call is in a class: "file", "desc", "network", "process", "signal", "memory", ... */
TL_API bool tl_syscall_in_class(enum tl_abi abi, int64_t nr, const char *class_name);
/* The index'th class name; NULL past the last. */
TL_API const char *tl_syscall_class(size_t index);
/* How many arguments of a call are still printed as plain numbers though they mean more. */
TL_API unsigned tl_syscall_undecoded(enum tl_abi abi, int64_t nr);
/* One past the highest number of an ABI. */
TL_API int64_t tl_syscall_limit(enum tl_abi abi);

/* "SIGTERM", "SIGRT_3"; "si_code" names such as "SI_USER", NULL when there is none. */
TL_API const char *tl_signal_name(int32_t signo);
TL_CHECKED int tl_signal_number(const char *name); /* with or without "SIG"; -ENOENT */
/* A siginfo in strace's grammar: "{si_signo=SIGCHLD, si_code=CLD_EXITED, ...}". Borrowed likewise.
 */
TL_API const char *tl_decode_siginfo(struct tl_decoder *decoder, const void *info);

#ifdef __cplusplus
}
#endif
#endif
