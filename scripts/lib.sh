# lib.sh - what the scripts share. Plain POSIX sh; sourced with $root set.
#
# Exit status 3 of every script: something is missing that only an administrator can install; what to do is said.

say() { printf '== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

cmake_needed=3.22
build_packages="gcc libc6-dev cmake ninja-build pkg-config libjansson-dev libturbojpeg0-dev libpng-dev libxxhash-dev"

# preprocesses LINE: whether the C compiler takes that line.
preprocesses() { printf '%s\n' "$1" | ${CC:-cc} -E -x c - >/dev/null 2>&1; }

has_cmake() {
    found=$(cmake --version 2>/dev/null | sed -n 's/^cmake version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
    # shellcheck disable=SC2086
    set -- ${found:-0 0}
    [ "$1" -gt "${cmake_needed%.*}" ] || { [ "$1" = "${cmake_needed%.*}" ] && [ "$2" -ge "${cmake_needed#*.}" ]; }
}

# has PACKAGE: whether what a Debian package brings is here, wherever it came from.
has() {
    case $1 in
    gcc) set -- ${CC:-cc}; command -v "$1" >/dev/null 2>&1 ;; # CC may be "ccache gcc"
    libc6-dev) preprocesses '#include <stdio.h>' ;;
    cmake) has_cmake ;;
    ninja-build) command -v ninja >/dev/null 2>&1 || command -v ninja-build >/dev/null 2>&1 ;;
    libjansson-dev) pkg-config --exists jansson 2>/dev/null ;;
    libturbojpeg0-dev) pkg-config --exists libturbojpeg 2>/dev/null ;;
    libpng-dev) pkg-config --exists libpng 2>/dev/null ;;
    libxxhash-dev) preprocesses '#include <xxhash.h>' ;;
    libcmocka-dev) pkg-config --exists cmocka 2>/dev/null ;;
    pkg-config | g++ | python3 | curl | clang) command -v "$1" >/dev/null 2>&1 ;;
    python3-venv) python3 -c 'import ensurepip, venv' >/dev/null 2>&1 ;;
    python3-dev) preprocesses "#include \"$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))' 2>/dev/null)/Python.h\"" ;;
    gcc-aarch64-linux-gnu) command -v aarch64-linux-gnu-gcc >/dev/null 2>&1 ;;
    qemu-user-static) command -v qemu-aarch64-static >/dev/null 2>&1 || command -v qemu-aarch64 >/dev/null 2>&1 ;;
    *) # nothing to tell it by: a package, or taken for granted where there are none
        command -v dpkg-query >/dev/null 2>&1 || return 0
        case "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" in *"ok installed") ;; *) return 1 ;; esac ;;
    esac
}

# describe PACKAGE: what it is where Debian's names say nothing.
describe() {
    case $1 in
    gcc) echo "a C11 compiler (gcc or clang, as cc)" ;;
    libc6-dev) echo "the headers of the C library" ;;
    cmake) echo "CMake, $cmake_needed or newer" ;;
    ninja-build) echo "Ninja" ;;
    libjansson-dev) echo "Jansson with its headers (pkg-config module jansson)" ;;
    libturbojpeg0-dev) echo "libjpeg-turbo with the headers of TurboJPEG (pkg-config module libturbojpeg)" ;;
    libpng-dev) echo "libpng with its headers (pkg-config module libpng)" ;;
    libxxhash-dev) echo "the header xxhash.h of xxHash" ;;
    libcmocka-dev) echo "cmocka with its headers (pkg-config module cmocka), for the tests" ;;
    g++) echo "a C++ compiler, for the tests" ;;
    python3-venv) echo "Python's modules venv and ensurepip" ;;
    python3-dev) echo "the headers of Python" ;;
    *) echo "$1" ;;
    esac
}

missing_of() {
    for package in "$@"; do has "$package" || printf ' %s' "$package"; done
}

needs_administrator() {
    {
        printf '%s: missing here:%s\n' "$(basename "$0")" "$1"
        printf 'An administrator installs that with\n\n    apt-get update && apt-get install -y --no-install-recommends%s\n\n' "$1"
        printf 'then run this again.\n'
        # shellcheck disable=SC2086
        [ -n "$(missing_of $build_packages)" ] || printf 'scripts/demo needs none of it.\n'
    } >&2
    exit 3
}

# How a command is run as root: "" as root, "sudo ..." where that works, or ends with what an administrator has to do.
find_root() { # MISSING
    if [ "$(id -u)" = 0 ]; then as_root=
    elif ! command -v sudo >/dev/null 2>&1; then needs_administrator "$1"
    elif sudo -n true 2>/dev/null; then as_root="sudo -n"
    elif [ -t 0 ]; then
        say "sudo asks for your password, to install$1"
        sudo -v || needs_administrator "$1"
        as_root=sudo
    else needs_administrator "$1"; fi
}

# apt_get ARGUMENT...: waits while another program holds apt's or dpkg's locks, as happens on a machine that has just booted.
apt_get() {
    waited=0
    apt_log=$(mktemp)
    # shellcheck disable=SC2086
    until $as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get "$@" >"$apt_log" 2>&1; do
        # "Unable to acquire ..., are you root?" is another matter.
        if ! grep -qE 'Could not get lock|is another process using it|locked by another process' "$apt_log" || [ $waited -ge 600 ]; then
            tail -n 20 "$apt_log" >&2
            rm -f "$apt_log"
            return 1
        fi
        [ $waited -gt 0 ] || say "another program is installing packages: waiting until it is done, 10 minutes at most"
        sleep 5
        waited=$((waited + 5))
    done
    rm -f "$apt_log"
}

# need_packages PACKAGE...: installs those Debian packages of which what they bring is missing.
need_packages() {
    missing=$(missing_of "$@")
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        {
            printf '%s: missing here, and there is no apt-get that could install it:\n' "$(basename "$0")"
            for package in $missing; do printf '  %s\n' "$(describe "$package")"; done
            printf 'Install it with the package manager of this machine, then run this again.\n'
        } >&2
        exit 3
    fi
    find_root "$missing"
    say "installing$missing"
    apt_get update -qq || say "apt-get update failed, trying with the lists at hand"
    # shellcheck disable=SC2086
    apt_get install -y -qq --no-install-recommends $missing || die "cannot install$missing"
    missing=$(missing_of "$@")
    [ -z "$missing" ] || die "installed, but still not here:$(for package in $missing; do printf ' %s;' "$(describe "$package")"; done)"
}

# need_clang SANITIZER...: clang, and its runtime library for these sanitizers (-fsanitize=), whose package has the version
# of clang in its name or comes with clang.
need_clang() {
    need_packages clang
    probe=$(mktemp)
    for sanitizer in "$@"; do
        printf 'int main(void) { return 0; }\nint LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d ? 0 : (int)n; }\n' |
            sed "$([ "$sanitizer" = fuzzer ] && echo 1d)" | clang -x c -fsanitize="$sanitizer" -o "$probe" - 2>/dev/null && continue
        need_packages "libclang-rt-$(echo __clang_major__ | clang -E -x c - | tail -n 1)-dev"
        break
    done
    rm -f "$probe"
}

# Says every tenth part of what Ninja has done, and keeps all it says in a file. (Debian's awk would wait for more lines.)
show_progress() { # LOG
    tenth=0
    while IFS= read -r line; do
        printf '%s\n' "$line" >&3
        part=${line%%]*}
        part=${part#"["}
        case $part in
        *[!0-9/]* | */*/* | /* | */ | "") continue ;;
        */*) ;;
        *) continue ;;
        esac
        if [ "${part#*/}" -ge 20 ] && [ $((10 * ${part%/*} / ${part#*/})) -gt $tenth ]; then
            tenth=$((10 * ${part%/*} / ${part#*/}))
            printf '   %s of %s steps\n' "${part%/*}" "${part#*/}"
        fi
    done 3>"$1"
}

# configure_and_build FOLDER TARGET|all [cmake options]
configure_and_build() {
    folder=$1 target=$2
    shift 2
    cmake -S "$root" -B "$folder" -G Ninja "$@" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; die "configuring failed"; }
    rm -f "$folder.done"
    { cmake --build "$folder" --target "$target" 2>&1 && : >"$folder.done"; } | show_progress "$folder.log"
    [ -f "$folder.done" ] || { tail -n 60 "$folder.log" >&2; die "building failed"; }
    rm -f "$folder.done"
}
