/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How name tables are written, and all of them. */
#ifndef TL_DECODE_NAMES_H
#define TL_DECODE_NAMES_H

#include "decode.h"

#define V(constant)                                                                                \
	{                                                                                          \
		(uint64_t)(constant), #constant                                                    \
	}
#define X(value, name)                                                                             \
	{                                                                                          \
		value, name                                                                        \
	}
/* A table: what an unknown value is said to be, and the rows in the order of printing. */
#define NAMES(id, unknown, ...)                                                                    \
	const struct tl__names tl__n_##id = { unknown, (const struct tl__name[]){ __VA_ARGS__,     \
										  { 0, NULL } } }

extern const struct tl__names tl__n_ioctl, tl__n_access_mode, tl__n_open, tl__n_at, tl__n_unlink,
	tl__n_faccess, tl__n_access, tl__n_seek, tl__n_resolve, tl__n_rename, tl__n_statx_sync,
	tl__n_statx_mask, tl__n_statx_attr, tl__n_file_type, tl__n_dirent_type, tl__n_xattr,
	tl__n_fallocate, tl__n_fadvise, tl__n_sync_range, tl__n_splice, tl__n_rwf, tl__n_pipe2,
	tl__n_dup3, tl__n_close_range, tl__n_fcntl, tl__n_fd_flags, tl__n_lock_type, tl__n_seals,
	tl__n_flock, tl__n_prot, tl__n_map_type, tl__n_mmap, tl__n_mremap, tl__n_msync,
	tl__n_madvise, tl__n_mlock2, tl__n_mlockall, tl__n_memfd, tl__n_mbind, tl__n_mempolicy,
	tl__n_mempolicy_get, tl__n_pkey, tl__n_inotify_init, tl__n_inotify, tl__n_fanotify_init,
	tl__n_fanotify_mark, tl__n_fanotify_events, tl__n_mount, tl__n_umount, tl__n_fsopen,
	tl__n_fspick, tl__n_fsconfig, tl__n_fsmount, tl__n_mount_attr, tl__n_move_mount,
	tl__n_open_tree, tl__n_statfs_flags, tl__n_fs_magic, tl__n_userfaultfd, tl__n_mount_setattr,
	tl__n_af, tl__n_sock_type, tl__n_sock_flags, tl__n_ipproto, tl__n_netlink, tl__n_msg,
	tl__n_shut, tl__n_sol, tl__n_so, tl__n_tcp, tl__n_ip, tl__n_ipv6, tl__n_scm, tl__n_si_user,
	tl__n_si_segv, tl__n_si_bus, tl__n_si_ill, tl__n_si_fpe, tl__n_si_trap, tl__n_si_chld,
	tl__n_si_sys, tl__n_si_poll, tl__n_io_uring_setup, tl__n_io_uring_features,
	tl__n_io_uring_enter, tl__n_io_uring_register, tl__n_bpf, tl__n_bpf_map, tl__n_bpf_prog,
	tl__n_perf_type, tl__n_perf_flags, tl__n_sigmask_how, tl__n_sa_flags, tl__n_ss_flags,
	tl__n_clone, tl__n_clone3, tl__n_unshare, tl__n_wait, tl__n_waitid, tl__n_waitid_type,
	tl__n_rlimit, tl__n_rusage, tl__n_prio, tl__n_ioprio, tl__n_sched, tl__n_sched_flags,
	tl__n_clock, tl__n_timer_flags, tl__n_timerfd_settime, tl__n_timerfd_create, tl__n_itimer,
	tl__n_adjtime, tl__n_adjtime_status, tl__n_adjtime_state, tl__n_sigev, tl__n_epoll_op,
	tl__n_epoll_events, tl__n_epoll_create, tl__n_poll, tl__n_eventfd, tl__n_signalfd,
	tl__n_prctl, tl__n_arch_prctl, tl__n_futex, tl__n_futex2, tl__n_seccomp_op,
	tl__n_seccomp_flags, tl__n_ptrace, tl__n_ipc, tl__n_shmget, tl__n_shmat, tl__n_msg_flags,
	tl__n_sem_flags, tl__n_ipc_cmd, tl__n_msg_cmd, tl__n_sem_cmd, tl__n_membarrier,
	tl__n_membarrier_flags, tl__n_personality, tl__n_personality_flags, tl__n_kcmp,
	tl__n_pidfd_open, tl__n_rseq, tl__n_getrandom, tl__n_cap, tl__n_cap_bits, tl__n_reboot,
	tl__n_syslog;

#endif
