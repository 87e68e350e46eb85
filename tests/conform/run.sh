#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What run.py does, where there is no python: run.sh CONFORM [CASE...]. trapline is in PATH.
conform=$1
shift
n=0 failed=0
cases=${*:-$($conform)}
if [ $# = 0 ]; then
	i=0
	while [ $i -lt 12 ]; do
		i=$((i + 1))
		cases="$cases random-$i"
	done
	cases="$cases family-1 family-2 family-3 family-4 crowd-1 crowd-2"
fi
# An emulated machine takes its time.
SLOW=5
export SLOW
for c in $cases; do
	timeout 30 $conform $c > /tmp/natively 2>&1
	timeout 60 trapline run -- $conform $c > /tmp/brokered 2>&1
	n=$((n + 1))
	cmp -s /tmp/natively /tmp/brokered && continue
	# The kernel tells a stop that is waited for at once with a status of 0, now and then.
	timeout 30 $conform $c > /tmp/again 2>&1
	cmp -s /tmp/again /tmp/brokered && continue
	failed=$((failed + 1))
	echo "FAIL $c"
	diff /tmp/natively /tmp/brokered
done
raw=$(dirname "$conform")/raw_option
if [ -e "$raw" ]; then
	n=$((n + 1))
	case $(uname -m) in aarch64) want=ok ;; *) want=refused ;; esac
	is=$(trapline run -- $raw)
	if [ "$is" != $want ] || [ "$($raw)" != refused ]; then
		failed=$((failed + 1))
		echo "FAIL raw_option: $is"
	fi
fi
# The one no kernel before 6.16 has; the others need two tracers.
for only in set_call debug_regs breakpoints breakpoints_32 breakpoints_a32 breakpoints_t32 killed_when_left mid_call cross_steps; do
	program=$(dirname "$conform")/$only
	if [ -e "$program" ]; then
		n=$((n + 1))
		is=$(timeout 60 trapline run -- $program)
		if [ "$is" != ok ]; then
			failed=$((failed + 1))
			echo "FAIL $only: $is"
		fi
	fi
done
echo "$n cases: $failed differ"
[ $failed = 0 ]
