#!/bin/sh
# packages.sh SOURCE WORK - what need_packages (scripts/lib.sh) does on machines with and without root, sudo, apt-get and
# a lock. Every command that it may call is a stand-in in a folder of its own; what apt-get "installs" is a file there.
set -u
source=$1 work=$2
failures=0
rm -rf "$work"
mkdir -p "$work/bin" "$work/here"
cd "$work" || exit 1

# stand_in NAME: its text is read from standard input.
stand_in() { { echo "#!/bin/sh"; cat; } >"bin/$1"; chmod +x "bin/$1"; }
for tool in sh cat sed grep tail mktemp rm env basename dirname tr; do ln -s "$(command -v $tool)" "bin/$tool"; done
stand_in cc </dev/null
stand_in ninja </dev/null
stand_in true </dev/null
echo "[ -e '$work/here/cmake' ] && echo 'cmake version 3.22.1' || echo 'cmake version 3.21.9'" | stand_in cmake
echo "[ -e \"$work/here/\$2\" ]" | stand_in pkg-config
echo "echo \"\${FAKE_UID:-0}\"" | stand_in id
echo "echo waited >>'$work/waits'" | stand_in sleep
stand_in apt-get <<EOT
if [ -s "$work/locked" ]; then
    sed -i 1d "$work/locked"
    [ ! -e "$work/forever" ] || echo 1 >"$work/locked"
    echo "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (unattended-upgr)" >&2
    exit 100
fi
[ ! -e "$work/broken" ] || { cat "$work/broken" >&2; exit 100; }
echo "apt-get \$*" >>"$work/calls"
case " \$* " in *" install "*) for p in cmake jansson cmocka; do case " \$* " in *\$p*) : >"$work/here/\$p" ;; esac; done ;; esac
exit 0
EOT
sudo_that() { stand_in sudo; }

# machine: as new; Jansson and cmocka are not there.
machine() {
    title=$1
    rm -f here/* waits locked forever broken calls bin/sudo
    for module in cmake libturbojpeg libpng; do : >"here/$module"; done
}
# run STATUS: need_packages for the build and cmocka, without a terminal.
run() {
    wanted=$1
    env PATH="$work/bin" FAKE_UID="$FAKE_UID" sh -c 'root=$1; . "$1/scripts/lib.sh"; need_packages $build_packages libcmocka-dev; echo went on' \
        demo "$source" >out 2>&1 </dev/null
    status=$?
    [ $status = "$wanted" ] || complain "ends with $status, expected $wanted"
}
complain() { printf 'FAILED: %s: %s\n' "$title" "$1"; sed 's/^/    /' out; failures=$((failures + 1)); }
says() { grep -qF -e "$1" out || complain "does not say '$1'"; }
silent_about() { ! grep -qF -e "$1" out || complain "says '$1'"; }
called() { grep -qF -e "$1" calls 2>/dev/null || complain "does not call '$1', only: $(cat calls 2>/dev/null)"; }

FAKE_UID=0
machine "all is there"
: >here/jansson
: >here/cmocka
run 0
says "went on"
[ ! -e calls ] || complain "calls $(cat calls)"

machine "root"
run 0
says "went on"
called "install -y -qq --no-install-recommends libjansson-dev libcmocka-dev"

machine "a CMake that is too old"
rm here/cmake
run 0
called "cmake"

machine "a lock that is given free"
printf '1\n2\n3\n' >locked
run 0
says "another program is installing packages: waiting until it is done"
says "went on"
[ "$(grep -c waited waits)" = 3 ] || complain "waits $(grep -c waited waits) times, expected 3"
[ "$(grep -c 'another program' out)" = 1 ] || complain "says more than once that it waits"

machine "a lock for ever"
echo 1 >locked
: >forever
run 1
says "cannot install libjansson-dev libcmocka-dev"
says "held by process 7"

machine "a package that cannot be had"
echo "E: Unable to locate package" >broken
run 1
says "Unable to locate package"
silent_about "went on"

machine "locks that cannot be opened at all"
echo "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (30: Read-only file system)
E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?" >broken
run 1
says "Read-only file system"
[ ! -e waits ] || complain "waits for a lock that nobody holds"

machine "a compiler behind another program"
: >here/jansson
: >here/cmocka
CC="cc -std=c11"
export CC
run 0
says "went on"
[ ! -e calls ] || complain "calls $(cat calls)"
unset CC

FAKE_UID=1000
machine "neither root nor sudo"
run 3
says "missing here: libjansson-dev libcmocka-dev"
says "    apt-get update && apt-get install -y --no-install-recommends libjansson-dev libcmocka-dev"
silent_about "went on"
silent_about "scripts/demo needs"

machine "what only the tests need is missing"
: >here/jansson
run 3
says "scripts/demo needs none of it"

machine "sudo that wants a password, and no terminal"
echo 'exit 1' | sudo_that
run 3
says "apt-get install -y --no-install-recommends libjansson-dev libcmocka-dev"

machine "sudo without a password"
echo '[ "$1" = -n ] || exit 1; shift; exec "$@"' | sudo_that
run 0
says "went on"
called "install -y"

machine "neither apt-get nor what is needed"
mv bin/apt-get bin/no-apt-get
run 3
says "Jansson with its headers (pkg-config module jansson)"
says "cmocka with its headers (pkg-config module cmocka), for the tests"
says "package manager of this machine"
silent_about "xxHash"
machine "no apt-get, and all is there"
: >here/jansson
: >here/cmocka
run 0
says "went on"

[ $failures = 0 ] || exit 1
echo "all is well"
