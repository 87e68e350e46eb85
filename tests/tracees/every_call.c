/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes nearly every system call there is, in a few harmless ways: on descriptor -1, on a path that
 * does not exist, with nothing. What it gets does not matter; how a tracer shows it does.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What ends, blocks, changes the machine or the process for good. */
static const short left_out[] = {
	SYS_rt_sigreturn,
	SYS_clone,
	SYS_exit,
	SYS_exit_group,
	SYS_kill,
	SYS_tkill,
	SYS_tgkill,
	SYS_rt_sigqueueinfo,
	SYS_rt_tgsigqueueinfo,
	SYS_reboot,
	SYS_vhangup,
	SYS_mlockall,
	SYS_munlockall,
	SYS_sync,
	SYS_syncfs,
	SYS_setsid,
	SYS_chroot,
	SYS_acct,
	SYS_settimeofday,
	SYS_adjtimex,
	SYS_clock_adjtime,
	SYS_clock_settime,
	SYS_swapon,
	SYS_swapoff,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_init_module,
	SYS_delete_module,
	SYS_finit_module,
	SYS_kexec_load,
	SYS_syslog,
	SYS_rt_sigsuspend,
	SYS_restart_syscall,
	SYS_seccomp,
	SYS_unshare,
	SYS_setns,
	SYS_pivot_root,
	SYS_mount,
	SYS_umount2,
	SYS_ptrace,
	SYS_ppoll,
	SYS_pselect6,
	SYS_epoll_pwait,
	SYS_epoll_pwait2,
	SYS_futex,
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_pkey_mprotect,
	SYS_shmat,
	SYS_prctl,
	SYS_set_tid_address,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_clone3,
	SYS_execve,
	SYS_execveat,
	SYS_setpgid,
	SYS_vmsplice,
	SYS_rt_sigtimedwait,
	SYS_wait4,
	SYS_waitid,
	SYS_setrlimit,
	SYS_prlimit64,
	SYS_close_range,
	SYS_membarrier,
	SYS_madvise,
	SYS_process_madvise,
	SYS_remap_file_pages,
	SYS_mbind,
	SYS_set_mempolicy,
	SYS_migrate_pages,
	SYS_move_pages,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_sigaltstack,
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_setgroups,
	SYS_capset,
	SYS_nanosleep,
	SYS_clock_nanosleep,
	SYS_msgrcv,
	SYS_msgget,
	SYS_semget,
	SYS_shmget,
	SYS_umask,
	SYS_personality,
	SYS_setpriority,
	SYS_ioprio_set,
	SYS_sched_setaffinity,
	SYS_userfaultfd,
	SYS_landlock_restrict_self,
	SYS_getrandom,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_lookup_dcookie,
	SYS_quotactl,
	SYS_fanotify_init,
	SYS_futex_waitv,
	SYS_timer_create,
	SYS_inotify_init1,
	SYS_io_setup,
	SYS_sysinfo,
#ifdef SYS_fork
	SYS_pause,
	SYS_fork,
	SYS_vfork,
	SYS_uselib,
	SYS__sysctl,
	SYS_inotify_init,
	SYS_epoll_create,
	SYS_epoll_wait,
	SYS_poll,
#endif
#ifdef SYS_modify_ldt
	SYS_modify_ldt,
	SYS_arch_prctl,
	SYS_iopl,
	SYS_ioperm,
	SYS_alarm,
	SYS_select,
	SYS_memfd_secret,
#endif
#ifdef SYS_futex_time64
	SYS_sigreturn,
	SYS_sigaction,
	SYS_sigprocmask,
	SYS_sigsuspend,
	SYS__newselect,
	SYS_nice,
	SYS_mmap2,
	SYS_setuid32,
	SYS_setgid32,
	SYS_setreuid32,
	SYS_setregid32,
	SYS_setresuid32,
	SYS_setresgid32,
	SYS_setfsuid32,
	SYS_setfsgid32,
	SYS_setgroups32,
	SYS_clock_settime64,
	SYS_clock_adjtime64,
	SYS_clock_nanosleep_time64,
	SYS_pselect6_time64,
	SYS_ppoll_time64,
	SYS_semtimedop_time64,
	SYS_rt_sigtimedwait_time64,
	SYS_futex_time64,
	SYS_timer_settime64,
#endif
#ifndef __arm__
	SYS_mmap,
#endif
#ifdef SYS_semop
	SYS_semop,
	SYS_semtimedop,
#endif
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#if defined(__i386__)
	SYS_waitpid,
	SYS_stime,
	SYS_umount,
	SYS_signal,
	SYS_sgetmask,
	SYS_ssetmask,
	SYS_ipc,
	SYS_idle,
	SYS_vm86,
	SYS_vm86old,
	SYS_set_thread_area,
	SYS_olduname,
#endif
};

/* The numbers that are none, and where there is room for arguments. */
#if defined(__x86_64__)
enum { GAP = 335, GAP_END = 424 };
#elif defined(__aarch64__)
enum { GAP = 295, GAP_END = 424 };
#elif defined(__i386__)
enum { GAP = 387, GAP_END = 393 };
#else
enum { GAP = 402, GAP_END = 403 };
#endif
static const long room = sizeof(long) == 8 ? (long)0x700000000 : 0x70000000;

static int is_left_out(long nr)
{
	for (unsigned i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (left_out[i] == nr)
			return 1;
	return 0;
}

int main(void)
{
	long buf = (long)mmap((void *)room, 65536, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	long path = buf + 4096;
	long made = 0;

	strcpy((char *)path, "/nonexistent/file");
	for (long nr = 0; nr <= 450; nr++) {
		if (is_left_out(nr) || (nr >= GAP && nr < GAP_END))
			continue;
		memset((void *)buf, 0, 4096);
		syscall(nr, -1L, buf, 16L, 0L, 0L, 0L);
		memset((void *)buf, 0, 4096);
		syscall(nr, path, 0L, 0L, 0L, 0L, 0L);
		syscall(nr, -1L, path, 0L, 0L, 0L, 0L);
		syscall(nr, -1L, path, -1L, path, 0L, 0L);
		made++;
	}
	return made < 200;
}
