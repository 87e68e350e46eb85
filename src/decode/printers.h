/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The printers that rows may name, and the pieces that they share across files. */
#ifndef TL_DECODE_PRINTERS_H
#define TL_DECODE_PRINTERS_H

#include "names.h"

#define P(name) void tl__p_##name(struct tl__ctx *, const struct tl__arg *, uint64_t)
P(int); P(uint); P(long); P(ulong); P(hex); P(hex32); P(ptr); P(octal); P(mode); P(flags);
P(flags64); P(enum); P(fd); P(dirfd); P(path); P(str); P(buf); P(buf_ret); P(random);
P(path_out); P(getcwd); P(str_out); P(off64); P(uid); P(uid16); P(dev); P(int_ptr); P(uint_ptr);
P(word_ptr); P(off_ptr); P(fd_pair); P(gid_list); P(argv); P(envp); P(key); P(iovec);
P(iovec_ret); P(iovec_ptrs); P(open_flags); P(open_flags_mode); P(open_how); P(mknod_mode);
P(mmap_flags); P(mmap_fd); P(page_off); P(old_mmap); P(fcntl); P(splice_off); P(off_moved);
P(llseek_result); P(close_range_fd); P(file_handle); P(ioctl_cmd); P(ioctl_arg);
P(io_uring_params); P(bpf_attr); P(perf_attr); P(sembuf); P(ipc_flags); P(ipc_cmd); P(msgbuf);
P(seccomp_arg); P(mq_attr); P(syslog_action); P(socket_type); P(socket_protocol); P(sockaddr);
P(sockaddr_out); P(socklen); P(msghdr); P(mmsghdr); P(sockopt_name); P(sockopt); P(sockopt_out);
P(socketcall); P(pollfd); P(fdset); P(epoll_event); P(epoll_events); P(sigset_argpack);
P(clone_flags); P(clone); P(clone_args); P(wait_status); P(rlimit); P(rlimit64); P(rusage);
P(uts); P(sysinfo); P(prctl); P(arch_prctl); P(futex); P(sched_param); P(sched_policy);
P(sched_attr); P(cpu_mask); P(cap_header); P(cap_data); P(user_desc); P(personality);
P(robust_list_head); P(sock_fprog); P(futex_waitv); P(signal); P(sigset); P(sigset_word);
P(sigset_old); P(sigaction); P(sigaltstack); P(sigreturn); P(siginfo); P(stat); P(stat64);
P(statx_flags); P(statx); P(statfs); P(statfs64); P(dirents); P(dirents64); P(timespec);
P(timespec64); P(timeval); P(remaining); P(utimensat); P(utimensat64); P(timeval_pair);
P(utimbuf); P(itimerval); P(itimerspec); P(itimerspec64); P(timezone); P(time_out); P(clock);
P(tms); P(timer_id); P(sigevent); P(timex);
#undef P

bool tl__ioctl_bare(uint32_t cmd);
void tl__open_flags(struct tl__ctx *c, uint32_t v);
/* Behind the result: what was found, and the time that is left. */
void tl__poll_result(struct tl__ctx *c, bool ppoll, unsigned time_word);
void tl__select_result(struct tl__ctx *c, bool nano, unsigned time_word);

#endif
