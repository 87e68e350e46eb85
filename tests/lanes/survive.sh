#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# survival.py in little, where there is no python: survive.sh ROUNDS [PROGRAM]
rounds=${1:-6} program=${2:-called} bad=0 i=0
PATH=.:$PATH

field() {
	sed -n "s/^$2:[[:space:]]*//p" /proc/$1/status
}

left() {
	grep -E '^[0-9a-f]+-[0-9a-f]+ r-xp 00000000 00:00 0 *$' /proc/$1/maps
}

guards() {
	for p in /proc/[0-9]*; do
		case "$(cat $p/comm 2>/dev/null)" in
		trapline-guard) case "$(cat $p/stat)" in *\)\ Z*) ;; *) echo ${p#/proc/} ;; esac ;;
		esac
	done
}

fail() {
	echo "FAIL round $i: $*"
	bad=$((bad + 1))
	kill -9 $pid 2>/dev/null
}

while [ $i -lt $rounds ]; do
	i=$((i + 1))
	$program 3 0 both &
	pid=$!
	sleep 1
	caught=$(field $pid SigCgt)
	churn $pid &
	tracer=$!
	sleep $((i % 3)).$((i * 37 % 10))
	[ $((i % 3)) = 1 ] && kill -9 $(guards) 2>/dev/null
	kill -9 $tracer
	[ $((i % 3)) = 2 ] && kill -9 $(guards) 2>/dev/null
	wait $tracer 2>/dev/null
	sleep 2
	kill -0 $pid 2>/dev/null || { fail "the program died"; continue; }
	n=0
	while [ $n -lt 5 ] && { [ $n = 0 ] || [ -n "$(left $pid)" ]; }; do
		trapline probe -c -e hot --max-hits 3 -p $pid >/dev/null 2>&1 || fail "attached to again"
		n=$((n + 1))
	done
	trapline doctor $pid | grep -q "as in its files" || fail "its text: $(trapline doctor $pid)"
	[ -z "$(left $pid)" ] || fail "left: $(left $pid)"
	[ "$(field $pid SigCgt)" = "$caught" ] || fail "signals $caught, then $(field $pid SigCgt)"
	kill $pid
	wait $pid || fail "ended with $?"
done
# Killed in the middle of each of the calls that a thread makes for it: the thread comes back alone, with its mask.
for masks in 1 2 3 4; do
	i="mask $masks"
	$program 1 0 alone &
	pid=$!
	sleep 1
	churn $pid $masks
	[ $? = 137 ] || fail "the tracer was not killed"
	n=0
	while [ "$(sed -n 's/^SigBlk:[[:space:]]*//p' /proc/$pid/task/*/status | sort -u)" != 0000000000000000 ] && [ $n -lt 10 ]; do
		sleep 1
		n=$((n + 1))
	done
	[ $n -lt 10 ] || fail "signals are blocked: $(grep SigBlk /proc/$pid/task/*/status)"
	trapline probe -c -e hot --max-hits 3 -p $pid >/dev/null 2>&1 || fail "attached to again"
	trapline doctor $pid | grep -q "as in its files" || fail "its text: $(trapline doctor $pid)"
	kill $pid
	wait $pid || fail "ended with $?"
done
echo "$rounds rounds, $bad failed"
[ $bad = 0 ]
