#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is tested of 32-bit programs in tests/live, for machines whose kernel runs none, and not among the lanes' own tests.
# A line a result, "ok" or "FAIL", and how long it took.
PATH=.:$PATH

try() { # NAME COMMAND...
	name=$1 start=$(cut -d. -f1 /proc/uptime)
	shift
	if "$@" > /tmp/said 2>&1; then echo "ok   $name ($(($(cut -d. -f1 /proc/uptime) - start)) s)"; else
		echo "FAIL $name"
		grep -v '^ok ' /tmp/said
	fi
}

faults() {
	./faulting_32 > /tmp/alone
	trapline probe -c -e 'faults+*' -o /tmp/counts -- ./faulting_32 > /tmp/probed && cmp /tmp/alone /tmp/probed &&
		grep -q left /tmp/alone && [ "$(grep -c ' 200  faulting_32:' /tmp/counts)" = 2 ] || { cat /tmp/alone /tmp/probed /tmp/counts; false; }
}

arguments() {
	trapline probe -r 'outer(long) = long' -e 'hot(int, uint)' -o /tmp/args -- ./called_32 1 2
	for want in 'outer(0)' 'hot(0, 7)' 'outer = 8' 'outer(1)' 'hot(1, 7)' 'outer = 11'; do
		[ "$(grep -cF "called_32:$want" /tmp/args)" = 1 ] || { echo "no $want"; cat /tmp/args; return 1; }
	done
}

# Every request on what another run's server holds.
across() {
	mkfifo words
	./across_32 > /dev/null < words & pid=$!
	exec 9> words
	sleep 1
	./across_32 $pid > /tmp/natively
	trapline run -- ./strace -o /dev/null -p $pid & tool=$!
	sleep 3
	trapline run -- ./across_32 $pid > /tmp/brokered
	kill -9 $pid
	wait $tool
	[ "$(wc -l < /tmp/natively)" -gt 15 ] && cmp /tmp/natively /tmp/brokered || { diff /tmp/natively /tmp/brokered; false; }
}

try "faults in slots" faults
try "arguments and results" arguments
try "requests to another run's server" across
try "many threads" test-crowd . 75 called_32
try "survival" survive.sh 3 called_32
try "torture, memory" test-torture 'mem*+*' -- ./workload_32 memory
try "torture, exceptions" test-torture '*+*' 'libgcc_s:*+*' -- ./throws_32
try "conformance" run.sh ./conform_32
echo over
