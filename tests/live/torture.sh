#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A probe on every instruction of large parts of real libraries and programs: torture.sh DIR [WHAT...]
# Ends in how many were executed, and how many were counted wrong.
# ROOT_32: where Debian's libraries and python for i386 lie. Where the programs lie apart from the sources, workload.py and
# python, with its modules in python.zip, lie beside them.
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
libraries() { # SUFFIX
	one "zlib$1" 'libz:*+*' -- "$dir/workload$1" zlib
	one "crypto$1" 'libcrypto:*sha*+*' 'libcrypto:*SHA*+*' 'libcrypto:*md5*+*' 'libcrypto:AES_*+*' 'libcrypto:*aes*+*' -- \
		"$dir/workload$1" crypto
}

throwing() { # SUFFIX
	[ -e "$dir/throws$1" ] || return
	one "throws$1" '*+*' 'libgcc_s:*+*' 'libstdc++:__cxa_*+*' 'libstdc++:__gxx_*+*' -- "$dir/throws$1"
}

libraries ''
throwing ''
throwing _32
for work in format sort memory words numbers; do
	one $work '*+*' -- "$dir/workload_static" $work
	[ -e "$dir/workload_32" ] && one ${work}_32 '*+*' -- "$dir/workload_32" $work
done
# Else the order of its dictionaries differs from run to run.
export PYTHONHASHSEED=0
if [ -e "$dir/python.zip" ]; then
	export PYTHONPATH="$dir/python.zip"
	# An emulated machine has no time for all of it.
	one python -i 'python3.11:_PyEval*+*' 'python3.11:PyUnicode_*+*' 'python3.11:PyDict_*+*' 'python3.11:PyList_*+*' -- "$dir/python3.11" -S "$dir/workload.py" less
else
	python=$(readlink -f /usr/bin/python3)
	one python "${python##*/}:*+*" -- "$python" "${0%/*}/../tracees/workload.py"
fi
if [ -n "$ROOT_32" ]; then
	# What is of another machine is passed over in it.
	export LD_LIBRARY_PATH="$ROOT_32/usr/lib/i386-linux-gnu:$ROOT_32/lib/i386-linux-gnu" PYTHONHOME="$ROOT_32/usr"
	libraries _dynamic_32
	one python_32 'python3.11:*+*' -- "$ROOT_32/usr/bin/python3.11" "${0%/*}/../tracees/workload.py"
fi
echo "$executed instructions executed, $failed failed"
[ $failed = 0 ]
