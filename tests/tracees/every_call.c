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
	SYS_pause,
	SYS_clone,
	SYS_fork,
	SYS_vfork,
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
	SYS_iopl,
	SYS_ioperm,
	SYS_init_module,
	SYS_delete_module,
	SYS_finit_module,
	SYS_kexec_load,
	SYS_kexec_file_load,
	SYS_syslog,
	SYS_rt_sigsuspend,
	SYS_alarm,
	SYS_restart_syscall,
	SYS_seccomp,
	SYS_unshare,
	SYS_setns,
	SYS_pivot_root,
	SYS_mount,
	SYS_umount2,
	SYS_ptrace,
	SYS_poll,
	SYS_ppoll,
	SYS_select,
	SYS_pselect6,
	SYS_epoll_wait,
	SYS_epoll_pwait,
	SYS_epoll_pwait2,
	SYS_futex,
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_pkey_mprotect,
	SYS_mmap,
	SYS_shmat,
	SYS_prctl,
	SYS_arch_prctl,
	SYS_modify_ldt,
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
	SYS_semop,
	SYS_semtimedop,
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
	SYS_memfd_secret,
	SYS_getrandom,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_lookup_dcookie,
	SYS_quotactl,
	SYS_uselib,
	SYS__sysctl,
	SYS_fanotify_init,
	SYS_futex_waitv,
	SYS_timer_create,
	SYS_inotify_init,
	SYS_inotify_init1,
	SYS_io_setup,
	SYS_epoll_create,
	SYS_sysinfo,
};

static int is_left_out(long nr)
{
	for (unsigned i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (left_out[i] == nr)
			return 1;
	return 0;
}

int main(void)
{
	long buf = (long)mmap((void *)0x700000000, 65536, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	long path = buf + 4096;
	long made = 0;

	strcpy((char *)path, "/nonexistent/file");
	for (long nr = 0; nr <= 450; nr++) {
		if (is_left_out(nr) || (nr > 334 && nr < 424))
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
