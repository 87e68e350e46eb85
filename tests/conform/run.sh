#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What run.py does, where there is no python: run.sh CONFORM [CASE...]. trapline is in PATH.
conform=$1
shift
n=0 failed=0
for c in ${*:-$($conform)}; do
	timeout 30 $conform $c > /tmp/natively 2>&1
	timeout 60 trapline run -- $conform $c > /tmp/brokered 2>&1
	n=$((n + 1))
	cmp -s /tmp/natively /tmp/brokered && continue
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
echo "$n cases: $failed differ"
[ $failed = 0 ]
