#!/bin/sh
# skips.sh PROGRAM - what a program of tests says, and with which status, when cases skip.
set -u
program=$1
failures=0

# expect STATUS GROUP [LINE ...]: the status, and whole lines of the output.
expect() {
    wanted=$1 group=$2
    shift 2
    output=$("$program" "$group" 2>&1)
    status=$?
    [ $status = "$wanted" ] || { printf 'FAILED: %s ends with %s, expected %s:\n%s\n' "$group" $status "$wanted" "$output"; failures=1; }
    for line in "$@"; do
        printf '%s\n' "$output" | grep -qxF -e "$line" || { printf "FAILED: %s does not print '%s':\n%s\n" "$group" "$line" "$output"; failures=1; }
    done
}
expect 77 all "skipped: nothing_is_there: needs /nonexistent/file" "skipped: a_reason_is_given: reason 7"
expect 0 some "skipped: a_reason_is_given: reason 7"
expect 1 failing "skipped: a_reason_is_given: reason 7"
expect 0 states
expect 0 group_states
QN_SHARED_DIR=/some/where
export QN_SHARED_DIR
expect 0 path "/some/where/a/b"
exit $failures
