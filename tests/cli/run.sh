#!/bin/sh
# run.sh QUENCH JSON_GET MAKE LABEL SOURCE_DIR CASE.sh - runs one file of cases in an empty folder of its own.
#
# A case reads:
#     it "says what is expected"           names the following checks
#     quench ok build x.pb -o x.qn         runs the program; expects exit status 0
#     quench fails ...  quench misused ... the same with status 1 and an error message, with 2 and a usage message
#     prints PATTERN, says PATTERN         a line of its standard output (error) matches this extended regular expression
#     json PATH                            a value of its standard output, as json_get prints it
#     make layer|rows|array ...            makes a small model, or an array of floats (make_main.c)
#     "$label" MODEL RESULTS ...           what libquench-vision alone makes of pictures, compared (label_main.c)
#     expect A = B, expect -f FILE         test(1) with a message
# The first check that does not hold prints what happened and ends the file with status 1.
set -u
absolute() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s/%s\n' "$PWD" "$1" ;; esac; }
program=$(absolute "$1") json_get=$(absolute "$2") make=$(absolute "$3") label=$(absolute "$4")
source=$(absolute "$5") case=$(absolute "$6")
scenes=$source/models/scenes
work=$(mktemp -d "${TMPDIR:-/tmp}/quench-cli-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work" || exit 1
# A sanitizer's report must not look like a failure that the program reports itself.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:exitcode=99" LSAN_OPTIONS="${LSAN_OPTIONS:-}:exitcode=99" UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:exitcode=99"
unset QUENCH_CPU
title="start" command=

it() { title=$1; printf '%s\n' "- $1"; }

broken() {
    printf 'FAILED: %s\n  %s\n' "$title" "$1" >&2
    [ -z "$command" ] || printf '  after: quench %s\n' "$command" >&2
    [ ! -s .out ] || { echo "  standard output:"; head -n 20 .out; } >&2
    [ ! -s .err ] || { echo "  standard error:"; head -n 20 .err; } >&2
    exit 1
}

quench() {
    verdict=$1
    shift
    command=$*
    "$program" "$@" >.out 2>.err </dev/null
    status=$?
    case $verdict in
    ok) [ $status = 0 ] || broken "expected exit status 0, found $status" ;;
    fails)
        [ $status = 1 ] || broken "expected exit status 1, found $status"
        grep -q '^quench: error: ' .err || broken "expected an error message" ;;
    misused)
        [ $status = 2 ] || broken "expected exit status 2, found $status"
        grep -q '^quench: error: .*--help' .err || broken "expected an error message that names --help" ;;
    esac
}

make() { "$make" "$@" || broken "cannot make $2"; }
prints() { grep -qE -e "$1" .out || broken "expected '$1' on standard output"; }
says() { grep -qE -e "$1" .err || broken "expected '$1' on standard error"; }
expect() { test "$@" || broken "expected: $*"; }
json() { "$json_get" .out "$1" || broken "no '$1' in the JSON"; }
# Nothing but these files is in a folder: holds FOLDER NAME...
holds() {
    folder=$1
    shift
    found=$(ls -A "$folder" | tr '\n' ' ')
    wanted=$(for name in "$@"; do printf '%s\n' "$name"; done | sort | tr '\n' ' ')
    [ "$found" = "$wanted" ] || broken "expected in $folder: $wanted, found: $found"
}
# Is A between B and C, as numbers?
between() { awk -v a="$1" -v b="$2" -v c="$3" 'BEGIN { exit !(a + 0 >= b + 0 && a + 0 <= c + 0) }' || broken "expected $2 <= $1 <= $3"; }

# npy FILE DTYPE "DIMS," BYTES: an array of zeros, as NumPy saves it ("|u1" "1, 5, 5, 3" 75).
npy() {
    printf '\223NUMPY\001\000v\000%-117s\n' "{'descr': '$2', 'fortran_order': False, 'shape': ($3), }" >"$1"
    head -c "$4" /dev/zero >>"$1"
}
# Elements of an array, one a line: npy_values FILE BYTES_OF_ELEMENT
npy_values() { tail -c +129 "$1" | od -An -v -w"$2" -t"u$2" | tr -d ' '; }

. "$case"
echo "all passed"
