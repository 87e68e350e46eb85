#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# strace alone on programs that are in the middle of something, and its tracees taken over: taken_over.sh STRACE PROGRAM...
# Ends in how many did all that they would have done, with strace's log as it would have been.
strace=$1
shift
passed=0 failed=0

# The process of that name, among all that the kernel has.
named() { # NAME
	for p in /proc/[0-9]*; do
		read -r name < "$p/comm" && [ "$name" = "$1" ] && echo "${p#/proc/}" && return
	done 2> /dev/null
}

tracer() { # PID
	by=$(sed -n 's/^TracerPid:[^0-9]*//p' "/proc/$1/status")
	cat "/proc/$by/comm"
}

one() { # PROGRAM WHAT
	mkfifo words
	trapline run -- "$strace" -f -o log "./$1" "$2" 2000 20000 < words > out 2>&1 &
	exec 9> words
	sleep 1
	pid=$(named "$1")
	before=$(tracer "$pid")
	trapline regs "$pid" > regs 2>&1
	after=$(tracer "$pid")
	echo word >&9
	exec 9>&-
	wait $!
	rm words
	if [ "$before" = strace ] && [ "$after" = trapline-server ] && grep -q general regs && [ "$(cat out)" = right ] &&
		grep -q 'exited with 0' log && ! grep -qE 'syscall_0x|Unexpected|<unavailable' log; then
		passed=$((passed + 1))
		echo "ok   $1 $2"
	else
		failed=$((failed + 1))
		echo "FAIL $1 $2: traced by $before, then by $after"
		cat regs out
		tail -5 log
	fi
}

for program; do
	for what in sleeps spins calls rings filtered filtered-sleeps threads forks reads; do
		one "$program" $what
	done
done
echo "$passed taken over, $failed failed"
[ $failed = 0 ]
