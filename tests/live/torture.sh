#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A probe on every instruction of large parts of real libraries and programs: torture.sh DIR [WHAT...]
# Ends in how many were executed, and how many were counted wrong.
dir=$1
shift
executed=0 failed=0

one() { # NAME ARGS...
	name=$1
	shift
	[ -n "$what" ] && case " $what " in *" $name "*) ;; *) return ;; esac
	seen=$("$dir/test-torture" "$@" 2>&1)
	last=$(echo "$seen" | tail -1)
	case $last in
	*' 0 executed, '*) failed=$((failed + 1)) && echo "FAIL $name: $last" ;;
	*' instructions, '*' 0 wrong')
		echo "ok   $name: $last"
		executed=$((executed + $(echo "$last" | sed 's/.* refused, \([0-9]*\) executed.*/\1/')))
		;;
	*)
		echo "FAIL $name"
		echo "$seen" | grep -v ^refused | tail -20
		failed=$((failed + 1))
		;;
	esac
}

what=$*
one zlib 'libz:*+*' -- "$dir/workload" zlib
one crypto 'libcrypto:*sha*+*' 'libcrypto:*SHA*+*' 'libcrypto:*md5*+*' 'libcrypto:AES_*+*' 'libcrypto:*aes*+*' -- "$dir/workload" crypto
for work in format sort memory words numbers; do
	one $work '*+*' -- "$dir/workload_static" $work
	[ -e "$dir/workload_32" ] && one ${work}_32 '*+*' -- "$dir/workload_32" $work
done
[ -e "$dir/throws" ] && one throws '*+*' 'libgcc_s:*+*' 'libstdc++:__cxa_*+*' 'libstdc++:__gxx_*+*' -- "$dir/throws"
python=$(readlink -f /usr/bin/python3)
# Else the order of its dictionaries differs from run to run.
export PYTHONHASHSEED=0
one python "${python##*/}:*+*" -- "$python" "${0%/*}/../tracees/workload.py"
echo "$executed instructions executed, $failed failed"
[ $failed = 0 ]
