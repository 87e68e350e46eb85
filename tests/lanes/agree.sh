#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Entry and exit told twice at each stop, by the kernel and by the state machine: they agree. Usage: agree.sh STOPS
# Run in a lane, in a folder with the tracees; busybox's shell makes most of the calls.
stops=0
agree() {
	trapline trace --check-stops -o /tmp/agree.out "$@" >/dev/null 2>/tmp/agree.err
	if grep 'trapline:' /tmp/agree.err; then
		echo "FAIL $*"
		exit 1
	fi
	stops=$((stops + 2 * $(grep -c ' = ' /tmp/agree.out)))
}
while [ $stops -lt "${1:-1000000}" ]; do
	for p in vfork_exec exec_thread clone_kinds odd_numbers killed_threads leader_exits signal_storm static_i386 static_arm; do
		[ ! -x ./$p ] || agree ./$p
	done
	# shellcheck disable=SC2016 # for the shell that is traced
	agree busybox sh -c 'i=0; while [ $i -lt 20000 ]; do cd /; umask 22; i=$((i+1)); [ $((i % 500)) = 0 ] && (true | cat); done'
done
echo "$stops stops agree"
