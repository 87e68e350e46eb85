#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Arguments, results, conditions and lines by debuginfo, and static probes: values.sh TRAPLINE DIR PROGRAM...
trapline=$1 dir=$2
shift 2
passed=0 failed=0

# What is the same in all runs and programs.
plain() {
	sed -e 's/^\[pid [0-9]*\] [a-z_0-9]*://' -e 's/ <[0-9.]*>$//' -e 's/0x[0-9a-f]\{3,\}/ADDRESS/g' -e 's/+0x[0-9a-f]* at/ at/'
}

is() { # WHAT WANTED GOT
	if [ "$2" = "$3" ]; then
		echo "ok   $program: $1"
		passed=$((passed + 1))
	else
		echo "FAIL $program: $1"
		printf 'wanted:\n%s\nseen:\n%s\n' "$2" "$3"
		failed=$((failed + 1))
	fi
}

probes() {
	"$trapline" probe "$@" -- "$dir/$program" 2>&1 | plain
}

hits() {
	"$trapline" probe -c "$@" -- "$dir/$program" 2>&1 | sed -n 's/^ *\([0-9]*\)  total$/\1/p'
}

big='{name="seven", v=[7, 2.5, 0.1], p={x=0, y=0}, {whole=1, bytes="\1"}, next=NULL, a=5, b=-3}'
statics() {
	is "static probes" "demo:plain()
demo:plain()
demo:plain()
demo:plain()
demo:plain()
demo:step(0, \"zero\", 0, 60000, 77)
demo:step(1, \"one\", -1, 60001, 77)
demo:step(2, \"two\", -2, 60002, 77)
demo:step(3, \"three\", -3, 60003, 77)
demo:step(4, \"four\", -4, 60004, 77)
listened 5" "$(probes -e 'noted*:demo:step(int, str, int, uint, int)' -e 'noted*:demo:pl?in' | sort)"
	is "static probes, by what they say" "demo:step(3, ADDRESS, -3, 60003, 77)" "$(probes -e 'noted*:demo:step(int, hex, int, uint, int) if arg3 == -3' | grep step)"
	is "and by their strings" "2 0" "$(hits -e 'noted*:demo:step if arg2 == "two" || arg4 > 60003') $(hits -e 'noted*:demo:step if arg5 != 77')"
	is "an argument that it has not" 1 "$(probes -e "$program:demo:step if arg6 == 1" | grep -c 'the static probe has no argument')"
	is "nobody listens" "listened 0" "$("$dir/$program")"
	# Two of the child's five, or one more before it is let go.
	is "who listens is counted anew in a child, and let go" "listened 5, child N, left 0" "$(
		"$trapline" probe -c -e 'noted*:demo:step' --max-hits 7 -- "$dir/$program" fork 2>/dev/null | sed 's/child [23],/child N,/')"
}

for program; do
	case $program in noted*)
		statics
		continue
		;;
	esac
	ninth=1099511627771
	case $program in *_32) ninth=-5 ;; esac
	is "arguments and results" "bigs(n=7, name=\"seven\")
bigs = $big
integers(c=-3, s=-2, i=-1, u=4000000000, l=-5, w=6, seventh=77, eighth=88, ninth=1099511627776)
integers = $ninth
floats(f=1.5, d=0.1, ld=3.25, b=true, i=-4, e=1e+100)
floats = 2e+100
strings(s=\"hello\\n\", t=\"wor\\\"ld\\1\", p=ADDRESS, none=NULL, array=\"wor\\\"ld\\1\")
strings = \"ello\\n\"
structs(p={x=1, y=2}, f={a=1.5, b=2.5}, m={a=3.5, b=4}, b=$big, last=9)
structs = {x=2, y=9}
pairs(p={a=1, b=2})
pairs = {a=2, b=1}
mixes(m={a=1, b=2})
mixes = {a=2, b=1}
enums(c=RED, f=READ|RUN, odd=77)
enums = BLUE
nothing()
nothing returned" "$(probes -r bigs -r integers -r floats -r strings -r structs -r pairs -r mixes -r enums -r nothing)"
	is "strings are cut" 'bigs(n=7, name="sev"...)' "$(probes -s 3 -e bigs)"
	is "a condition on members and strings" "walk(n=ADDRESS, limit=24)
walk(n=ADDRESS, limit=36)
walk(n=ADDRESS, limit=48)" "$(probes -e 'walk if limit >= 24 && n->next->key == "beta" && n->weight < -3')"
	is "conditions, counted" "5 1 1 4 0 5" "$(hits -e walk) $(hits -e 'walk if limit == 0 || n->value != 10') $(
		hits -e 'walk if limit & 8 && !(limit == 24)') $(hits -e 'walk if -limit < 0') $(
		hits -e 'walk if *n->key == 98') $(hits -e 'walk if n->next->next->key[0] == 103')"
	is "a condition without debuginfo" 3 "$(hits -e 'walk if arg2 > 12')"
	is "a condition of a thread" "5 0" "$(hits -e 'walk if $tid == $pid') $(hits -e 'walk if $tid == 1')"
	is "conditions on results" "integers = $ninth
floats = 2e+100
strings = \"ello\\n\"
walk = 30
walk = 30" "$(probes -r 'walk if $ret == 30' -r 'floats if $ret > 1e99' -r 'strings if $ret == "ello\n"' -r 'integers if $ret < -2 || $ret > 3' -r 'pairs if $ret.a > 2')"
	is "conditions on results, by given types" "1 0 1 0 4" "$(hits -r 'walk() = int if $ret == 10') $(hits -r 'walk() = uint if $ret < 0') $(
		hits -r 'integers() = int if $ret == -5') $(hits -r 'integers() = uint if $ret < 0') $(
		hits -r 'walk() = hex if $ret == 30 || $ret == 60')"
	is "a condition on a result and an argument" 1 "$(probes -r "$program:walk if \$ret == limit" | grep -c 'its arguments are gone')"
	is "a condition on a result of no return" 1 "$(probes -e "$program:walk if \$ret == 3" | grep -c 'only the return of a function has one')"
	line=112
	is "a line that has no code is the next that has" "walk at tracees/described.c:$((line - 1))" "$(
		probes -l -e "tracees/described.c:$((line - 2))" | sed 's/^ADDRESS [a-z_0-9]*://')"
	case $program in
	*fast) ;; # where a line begins, and a variable is, depends on the compiler
	*)
		is "hits of a line" 11 "$(hits -e "described.c:$line")"
		is "a variable behind the first instruction" 4 "$(hits -e "described.c:$((line + 1)) if seen == 30")"
		;;
	esac
	is "a name that is not there" "trapline: no probe at $program:walk in process N: no argument or variable there has the name that its condition uses" "$(
		probes -e 'walk if nosuch' | sed 's/process [0-9]*/process N/')"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
