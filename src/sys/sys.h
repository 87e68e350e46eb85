/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seam between trapline and the kernel: the only callers of ptrace, wait, process_vm and
 * procfs.
 *
 * Everything above talks to a struct tl__sys. Behind it stands the kernel, the kernel with a
 * recorder, or the scripted fake that answers from a recording. All calls return a value >= 0 or a
 * negative errno and none blocks but wait() without TL__WAIT_NOHANG.
 */
#ifndef TL_SYS_H
#define TL_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* ptrace(2)'s request numbers, under names that do not clash with the C library's enum. */
enum tl__pt_request {
	TL__PT_PEEKUSER = 3,
	TL__PT_POKEUSER = 6,
	TL__PT_CONT = 7,
	TL__PT_SINGLESTEP = 9,
	TL__PT_DETACH = 17,
	TL__PT_SYSCALL = 24,
	TL__PT_SYSEMU = 31,
	TL__PT_SYSEMU_SINGLESTEP = 32,
	TL__PT_SINGLEBLOCK = 33,
	TL__PT_SETOPTIONS = 0x4200,
	TL__PT_GETEVENTMSG = 0x4201,
	TL__PT_GETSIGINFO = 0x4202,
	TL__PT_SETSIGINFO = 0x4203,
	TL__PT_GETREGSET = 0x4204,
	TL__PT_SETREGSET = 0x4205,
	TL__PT_SEIZE = 0x4206,
	TL__PT_INTERRUPT = 0x4207,
	TL__PT_LISTEN = 0x4208,
	TL__PT_PEEKSIGINFO = 0x4209,
	TL__PT_GETSIGMASK = 0x420a,
	TL__PT_SETSIGMASK = 0x420b,
	TL__PT_GET_SYSCALL_INFO = 0x420e,
	TL__PT_SET_SYSCALL_INFO = 0x4212,
};

enum tl__pt_option {
	TL__PTO_SYSGOOD = 1,
	TL__PTO_FORK = 2,
	TL__PTO_VFORK = 4,
	TL__PTO_CLONE = 8,
	TL__PTO_EXEC = 0x10,
	TL__PTO_VFORKDONE = 0x20,
	TL__PTO_EXIT = 0x40,
	TL__PTO_SECCOMP = 0x80,
	TL__PTO_EXITKILL = 1 << 20,
	TL__PTO_SUSPEND_SECCOMP = 1 << 21,
};

enum tl__pt_event {
	TL__PTE_FORK = 1,
	TL__PTE_VFORK,
	TL__PTE_CLONE,
	TL__PTE_EXEC,
	TL__PTE_VFORK_DONE,
	TL__PTE_EXIT,
	TL__PTE_SECCOMP,
	TL__PTE_STOP = 128,
};

#define TL__SIGINFO_SIZE 128

/* struct ptrace_syscall_info, by value and size: 88 bytes since 6.16, 84 before. */
struct tl__syscall_info {
	uint8_t op; /* 0 none, 1 entry, 2 exit, 3 seccomp */
	uint8_t reserved;
	uint16_t flags;
	uint32_t arch;
	uint64_t ip, sp;
	union {
		struct {
			uint64_t nr, args[6];
		} entry;
		struct {
			int64_t rval;
			uint8_t is_error;
		} exit;
		struct {
			uint64_t nr, args[6];
			uint32_t ret_data, reserved2;
		} seccomp;
	};
};
_Static_assert(sizeof(struct tl__syscall_info) == 88, "layout of ptrace_syscall_info");

enum tl__wait_kind { TL__WAIT_NONE, TL__WAIT_STOPPED, TL__WAIT_EXITED, TL__WAIT_KILLED };

struct tl__waited {
	enum tl__wait_kind kind;
	pid_t tid;
	/* STOPPED: signal in the low byte, ptrace event above it. EXITED: the status. KILLED: the
	 * signal. */
	int code;
	bool core_dumped;
};

enum tl__wait_flags {
	TL__WAIT_NOHANG = 1,
	TL__WAIT_PEEK = 2, /* leave it for a later wait: requests work all the same (WNOWAIT) */
};

/* struct sock_filter. */
struct tl__bpf_insn {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

/* Which program to start, and what the child does to itself between fork and exec. */
struct tl__spawn {
	const char *path; /* already resolved */
	char *const *argv;
	char *const *envp;
	bool set_user;
	uint32_t uid, gid;
	const char *user;                  /* for initgroups, with set_user */
	const struct tl__bpf_insn *filter; /* or NULL */
	uint16_t filter_len;
};

enum tl__proc_file {
	TL__PROC_STATUS,
	TL__PROC_STAT,
	TL__PROC_MAPS,
	TL__PROC_SYSCALL,
	TL__PROC_COMM,
	TL__PROC_CHILDREN, /* of this thread, not of its process; kernels may lack the file */
	TL__PROC_WCHAN     /* recordings have these numbers: new ones come last */
};

/* Behaviours of the kernel, found by exercise and never by version. */
enum tl__feature {
	TL__FEATURE_SYSCALL_INFO, /* PTRACE_GET_SYSCALL_INFO tells the kind of a syscall stop */
	TL__FEATURE_SET_SYSCALL_INFO,
	TL__FEATURE_SYSCALL_EVENTMSG, /* GETEVENTMSG reads 1 and 2 at syscall entry and exit */
	TL__FEATURE_GETREGSET,
	TL__FEATURE_SYSEMU,
	TL__FEATURE_SINGLEBLOCK,   /* runs to the next branch, not just one instruction */
	TL__FEATURE_SECCOMP_TRACE, /* RET_TRACE filters can be installed and stop */
	TL__FEATURE_PROCESS_VM,
	TL__FEATURE_PROC_MEM_WRITE, /* /proc/PID/mem writes to read-only text */
	TL__FEATURE_ARG0_FOLLOWS,   /* arm64: orig_x0 is what a tracer writes to x0 at an entry */
	TL__FEATURE_COUNT,
};

/* What a descriptor is open on. */
struct tl__fd_info {
	uint32_t mode; /* st_mode */
	uint64_t device, inode;
	int32_t pid;            /* that a pidfd is for; -1: gone */
	char protocol_name[32]; /* of a socket: "TCP"; empty where the kernel does not tell */
	int32_t protocol;
	uint16_t local_len, peer_len; /* 0: not known */
	uint8_t local[128], peer[128];
	uint64_t peer_inode; /* the other end of a unix socket; 0: none or not known */
};

struct tl__cpumask {
	uint32_t len;      /* bytes in use, as the kernel told; 0: unknown */
	uint64_t bits[16]; /* 1024 cores; on larger machines nothing is held */
};

struct tl__sys;

struct tl__sys_ops {
	/*
	 * One ptrace request. buf/len: the data for requests that carry any, else NULL; the
	 * answer's size for GETREGSET and GET_SYSCALL_INFO is the return value.
	 */
	int (*ptrace)(struct tl__sys *sys, enum tl__pt_request req, pid_t tid, uint64_t addr,
		      uint64_t data, void *buf, size_t len);
	/* 1 with *out filled, 0 when NOHANG found nothing, -ECHILD without tracees, -EINTR. */
	int (*wait)(struct tl__sys *sys, unsigned flags, struct tl__waited *out);
	/* Takes what was peeked at: a stop, or a death. Of a task that has been killed since, its
	 * death, or the stop of its exit, is what the next wait finds. */
	int (*consume)(struct tl__sys *sys, const struct tl__waited *peeked);
	/* Exact count of bytes before the first bad one, or -errno when not even one. */
	ssize_t (*mem_read)(struct tl__sys *sys, pid_t tid, uint64_t addr, void *buf, size_t len);
	ssize_t (*mem_write)(struct tl__sys *sys, pid_t tid, uint64_t addr, const void *buf,
			     size_t len);
	/* The text of /proc/TID/FILE, NUL-terminated and cut to size; returns its length. */
	ssize_t (*proc_read)(struct tl__sys *sys, pid_t tid, enum tl__proc_file file, char *buf,
			     size_t size);
	ssize_t (*proc_link)(struct tl__sys *sys, pid_t tid, const char *name, char *buf,
			     size_t size);
	/* What the file has that is mapped there: memory may differ. NULL for a recording. */
	ssize_t (*mapped_read)(struct tl__sys *sys, pid_t tid, uint64_t addr, void *buf,
			       size_t len);
	/* NULL for a recording, which has none. */
	int (*fd_info)(struct tl__sys *sys, pid_t tid, int fd, struct tl__fd_info *info);
	/* Fills tids with the threads of a process; returns how many there are (may exceed max). */
	int (*threads)(struct tl__sys *sys, pid_t pid, pid_t *tids, size_t max);
	bool (*same_process)(struct tl__sys *sys, pid_t tgid, pid_t tid);
	int (*open_mem)(struct tl__sys *sys, pid_t tid); /* for writing; NULL for a recording */
	/* Do two tasks have one address space (kcmp)? 1, 0, -errno. NULL for a recording. */
	int (*same_memory)(struct tl__sys *sys, pid_t a, pid_t b);
	/* Forks a child that waits, seized with these options, in a SIGSTOP right before its exec.
	 */
	int (*spawn)(struct tl__sys *sys, struct tl__spawn *spec, uint64_t options, pid_t *ret_pid);
	/* Why the exec of a spawned child failed: an errno, or 0. */
	int (*spawn_error)(struct tl__sys *sys);
	/* Whether its filter needed no_new_privs, because the caller may not do without. */
	bool (*spawn_no_new_privs)(struct tl__sys *sys);
	int (*kill)(struct tl__sys *sys, pid_t tgid, pid_t tid, int sig);
	/* NULL where placing makes no sense (a recording). tid 0: the calling thread. */
	int (*set_affinity)(struct tl__sys *sys, pid_t tid, const struct tl__cpumask *mask);
	int (*get_affinity)(struct tl__sys *sys, pid_t tid, struct tl__cpumask *mask);
	int (*current_cpu)(struct tl__sys *sys);
	void (*pause)(struct tl__sys *sys, unsigned usec); /* NULL for a recording */
	uint64_t (*clock)(struct tl__sys *sys);            /* CLOCK_MONOTONIC, ns */
	int (*feature)(struct tl__sys *sys, enum tl__feature feature);
	void (*close)(struct tl__sys *sys);
};

struct tl__sys {
	const struct tl__sys_ops *ops;
	int8_t features[TL__FEATURE_COUNT]; /* 0 not asked yet, 1 absent, 2 present */
};

/* kernel.c */
struct tl__sys *tl__sys_kernel_new(void);
/* record.c: writes what inner answers to out; owns inner, not out. */
struct tl__sys *tl__sys_record_new(struct tl__sys *inner, FILE *out);

/* features.c */
bool tl__sys_has(struct tl__sys *sys, enum tl__feature feature);
void tl__sys_override(struct tl__sys *sys, enum tl__feature feature, bool present);
const char *tl__feature_name(enum tl__feature feature); /* "syscall-info" */
const char *tl__feature_help(enum tl__feature feature);
int tl__feature_find(const char *name);             /* -ENOENT */
int tl__sys_probe_kernel(enum tl__feature feature); /* on a throw-away child: 1, 0, -errno */

/*
 * guard.c: a process that gives tasks their own cores, and text its own bytes, when the tracer is
 * killed, and frees those that share a core while they compute. It holds no descriptor of the host
 * program.
 */
struct tl__guard;
struct tl__held {
	pid_t tid;              /* 0: free */
	uint64_t running_since; /* 0: stopped */
	uint32_t freed;         /* the guardian let it go */
	struct tl__cpumask own;
};
struct tl__guard *tl__guard_new(void); /* NULL: none can be had */
struct tl__held *tl__guard_hold(struct tl__guard *g, pid_t tid, const struct tl__cpumask *own);
void tl__guard_drop(struct tl__guard *g, struct tl__held *slot);
void tl__guard_watch(struct tl__guard *g, bool several); /* more than one is held */

/* A journal in a tracee's memory (layout.h). */
struct tl__guarded {
	uint64_t area;  /* the first one */
	uint64_t owner; /* while it says so */
	uint8_t breakpoint[4];
	uint8_t len; /* of that */
};

enum { TL__GUARDED_MAX = 256 };

/* mem: the tracee's, open for writing; stays the caller's. Returns an id, or -ENOSPC. */
int tl__guard_text(struct tl__guard *g, int mem, const struct tl__guarded *text);
void tl__guard_drop_text(struct tl__guard *g, int id);
void tl__guard_free(struct tl__guard *g);

/* undo.c, in the guardian. */
void tl__guard_restore(int mem, const struct tl__guarded *text);

/* maps.c */
struct tl__mapping {
	uint64_t start, end, offset, inode, device;
	bool read, write, exec, shared;
	const char *path; /* in the text: path_len bytes */
	size_t path_len;
};
int tl__maps_read(struct tl__sys *sys, pid_t tid, char **ret_text); /* to be freed */
bool tl__maps_next(const char **text, struct tl__mapping *ret);
bool tl__maps_is(const struct tl__mapping *m, const char *path);

/* procfs.c: fields out of proc text */
bool tl__proc_field(const char *text, const char *key, char *value, size_t size);
uint64_t tl__proc_field_hex(const char *text, const char *key);
long tl__proc_field_dec(const char *text, const char *key); /* -1 when absent */

static inline int tl__pt(struct tl__sys *sys, enum tl__pt_request req, pid_t tid, uint64_t addr,
			 uint64_t data)
{
	return sys->ops->ptrace(sys, req, tid, addr, data, NULL, 0);
}

static inline int tl__pt_buf(struct tl__sys *sys, enum tl__pt_request req, pid_t tid, uint64_t addr,
			     void *buf, size_t len)
{
	return sys->ops->ptrace(sys, req, tid, addr, 0, buf, len);
}

#endif
