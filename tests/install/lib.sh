# lib.sh - what the tests of this folder share; sourced. CTest sets SANITIZED and WORK (CMakeLists.txt).
if [ "$SANITIZED" = 1 ]; then
    echo "skipped: what is installed is never a sanitized build, and its users could not link it without the sanitizer's runtime"
    exit 77
fi
failures=0
say() { printf '== %s\n' "$*"; }
complain() { printf 'FAILED: %s\n' "$*"; failures=$((failures + 1)); }
# attempt WHAT COMMAND...: the command's output is shown only if it fails.
attempt() {
    what=$1
    shift
    "$@" >"$WORK/log" 2>&1 && return 0
    cat "$WORK/log"
    complain "$what"
    return 1
}
