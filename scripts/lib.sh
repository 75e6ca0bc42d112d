# lib.sh - what the scripts share. Plain POSIX sh; sourced with $root set.

say() { printf '== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Runs a command as root: directly, or through sudo only where that is needed.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else die "needs root for: $* (no sudo here)"; fi
}

# Installs those of the given Debian packages that are missing.
need_packages() {
    command -v dpkg-query >/dev/null 2>&1 || { say "no dpkg here: taking for granted $*"; return 0; }
    missing=
    for package in "$@"; do
        case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
        *"ok installed") ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    say "installing$missing"
    as_root apt-get update -qq || say "apt-get update failed, trying with the lists at hand"
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
        die "cannot install$missing"
}

build_packages="gcc libc6-dev cmake ninja-build pkg-config libjansson-dev libturbojpeg0-dev libpng-dev libxxhash-dev"

# configure_and_build FOLDER TARGET|all [cmake options]
configure_and_build() {
    folder=$1 target=$2
    shift 2
    cmake -S "$root" -B "$folder" -G Ninja "$@" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; die "configuring failed"; }
    cmake --build "$folder" --target "$target" >"$folder.log" 2>&1 || { tail -n 60 "$folder.log" >&2; die "building failed"; }
}
