#!/bin/sh
# parts.sh - builds and installs parts: the runtime alone where no library of others can be found, shared and static, shared
# only, static only, and single install components; then asks find_package for what is there and what is not. CTest sets
# the variables (tests/install/CMakeLists.txt).
set -u
. "$SOURCE/tests/install/lib.sh"
# refuse PATTERN COMMAND...: fails, and says so.
refuse() {
    pattern=$1
    shift
    if "$@" >"$WORK/log" 2>&1; then
        complain "succeeds, expected '$pattern': $*"
    else
        # CMake breaks lines where it likes.
        tr -s ' \n' '  ' <"$WORK/log" | grep -qE -e "$pattern" || { cat "$WORK/log"; complain "does not say '$pattern': $*"; }
    fi
}
files() { (cd "$1" && find . -type f -o -type l | sed 's|^\./||' | sort | tr '\n' ' '); }

without_packages() { env PKG_CONFIG_LIBDIR=/nonexistent PKG_CONFIG_PATH= "$@"; }
# configure KIND [options]: the runtime alone.
configure() {
    kind=$1
    shift
    without_packages "$CMAKE" -S "$SOURCE" -B "$WORK/build" -G "$GENERATOR" -DCMAKE_C_COMPILER="$CC" -DCMAKE_BUILD_TYPE=Release \
        -DQN_COMPONENTS=runtime "-DBUILD_SHARED_LIBS=$kind" "$@"
}

cat >"$WORK-consumer.txt" <<'EOT'
cmake_minimum_required(VERSION 3.16)
project(consumer LANGUAGES C)
find_package(quench 0.1 REQUIRED ${WHICH})
foreach(target IN LISTS HAS)
  if(NOT TARGET ${target})
    message(FATAL_ERROR "no target ${target}")
  endif()
endforeach()
foreach(target IN LISTS LACKS)
  if(TARGET ${target})
    message(FATAL_ERROR "target ${target}, which nothing can be linked with")
  endif()
endforeach()
add_executable(consumer ${EXAMPLE})
target_link_libraries(consumer PRIVATE ${LINKS})
EOT

# consume PREFIX WHICH LINKS [options]: configures, builds and runs an example.
consume() {
    prefix=$1 which=$2 links=$3
    shift 3
    rm -rf "$WORK/consumer"
    mkdir -p "$WORK/consumer"
    cp "$WORK-consumer.txt" "$WORK/consumer/CMakeLists.txt"
    "$CMAKE" -S "$WORK/consumer" -B "$WORK/consumer/build" -G "$GENERATOR" -DCMAKE_C_COMPILER="$CC" -DCMAKE_PREFIX_PATH="$prefix" \
        "-DWHICH=$which" "-DLINKS=$links" "-DEXAMPLE=$SOURCE/examples/mutable_shapes.c" "$@" || return 1
    "$CMAKE" --build "$WORK/consumer/build" || return 1
    "$WORK/consumer/build/consumer" "$WORK/scenes.qn" 1,40,50,3 | grep -q 'x3 -> .* 1x40x50$'
}

# link_by_pkg_config PREFIX: compiles and runs an example, without --static even where the library is.
link_by_pkg_config() {
    flags=$(PKG_CONFIG_PATH="$1/$LIBDIR/pkgconfig" "$PKG_CONFIG" --cflags --libs quench) || return 1
    # shellcheck disable=SC2086
    "$CC" -std=c11 -o "$WORK/by_pkg_config" "$SOURCE/examples/mutable_shapes.c" $flags "-Wl,-rpath,$1/$LIBDIR" || return 1
    "$WORK/by_pkg_config" "$WORK/scenes.qn" 1,40,50,3 | grep -q 'x3 -> .* 1x40x50$'
}

rm -rf "$WORK"
mkdir -p "$WORK"
attempt "building a model" "$BUILD/quench" build "$SOURCE/models/scenes/scenes.pb" -o "$WORK/scenes.qn" -q || exit 1

say "the runtime alone, without pkg-config's libraries"
for kind in "" ON OFF; do
    name=${kind:-both}
    attempt "configuring, BUILD_SHARED_LIBS=$kind" configure "$kind" || exit 1
    attempt "building, BUILD_SHARED_LIBS=$kind" "$CMAKE" --build "$WORK/build" || exit 1
    attempt "installing" "$CMAKE" --install "$WORK/build" --prefix "$WORK/$name" || exit 1
    found=$(files "$WORK/$name/$LIBDIR" | tr ' ' '\n' | grep '^libquench' | tr '\n' ' ')
    shared="libquench.so libquench.so.$SOVERSION libquench.so.$VERSION"
    case $name in
    both) expected="libquench.a $shared " ;;
    ON) expected="$shared " ;;
    OFF) expected="libquench.a " ;;
    esac
    [ "$found" = "$expected" ] || complain "BUILD_SHARED_LIBS=$kind installs $found, expected $expected"
    for file in include/quench/compiler.h include/quench/image.h include/quench/vision.h bin; do
        [ ! -e "$WORK/$name/$file" ] || complain "the runtime alone installs $file"
    done
    attempt "an example with it, $name" consume "$WORK/$name" "" quench::quench "-DHAS=quench::quench" "-DLACKS=quench::compiler;quench::image"
    attempt "an example with pkg-config, $name" link_by_pkg_config "$WORK/$name"
    attempt "the component runtime, $name" consume "$WORK/$name" "COMPONENTS;runtime" quench::quench
done
attempt "static beside shared" consume "$WORK/both" "COMPONENTS;static" quench::quench-static
attempt "static alone" consume "$WORK/OFF" "COMPONENTS;static" quench::quench-static
refuse "libquench.a is not installed" consume "$WORK/ON" "COMPONENTS;static" quench::quench
refuse "The component 'compiler' is not in this installation" consume "$WORK/both" "COMPONENTS;compiler" quench::quench
refuse "There is no component 'wrong', only runtime, compiler, image, vision and static" consume "$WORK/both" "COMPONENTS;wrong" quench::quench
attempt "an optional component that is not there" consume "$WORK/both" "OPTIONAL_COMPONENTS;wrong;image" quench::quench
refuse "QN_COMPONENTS has 'runtme'" configure "" -DQN_COMPONENTS=runtme
refuse "needs jansson, which pkg-config does not find.*-DQN_COMPONENTS=runtime" configure "" "-DQN_COMPONENTS=runtime;compiler"

say "install components"
# component NAME FILES...: patterns of what it installs, all of it and nothing else.
component() {
    part=$1
    shift
    rm -rf "$WORK/part"
    attempt "installing $part" "$CMAKE" --install "$BUILD" --prefix "$WORK/part" --component "$part"
    mkdir -p "$WORK/part"
    for file in $(files "$WORK/part"); do
        for pattern in "$@"; do
            # shellcheck disable=SC2254
            case $file in $pattern) continue 2 ;; esac
        done
        complain "the component $part installs $file"
    done
    for pattern in "$@"; do
        set -f
        found=$(cd "$WORK/part" && find . -path "./$pattern")
        set +f
        [ -n "$found" ] || complain "the component $part installs no $pattern"
    done
}
component runtime "$LIBDIR/libquench.so.*"
component compiler "$LIBDIR/libquench-compiler.so.*"
component image "$LIBDIR/libquench-image.so.*"
component vision "$LIBDIR/libquench-vision.so.*"
component vision-dev "$LIBDIR/libquench-vision.so" "$LIBDIR/libquench-vision.a" include/quench/vision.h \
    "$LIBDIR/cmake/quench/quench-vision-*" "$LIBDIR/pkgconfig/quench-vision.pc"
component program bin/quench
component image-dev "$LIBDIR/libquench-image.so" "$LIBDIR/libquench-image.a" include/quench/image.h \
    "$LIBDIR/cmake/quench/quench-image-*" "$LIBDIR/pkgconfig/quench-image.pc"
component runtime-dev "$LIBDIR/libquench.so" "$LIBDIR/libquench.a" "include/quench/*.h" "$LIBDIR/cmake/quench/quench-*" \
    "$LIBDIR/pkgconfig/quench.pc"
[ ! -e "$WORK/part/include/quench/compiler.h" ] || complain "the component runtime-dev installs compiler.h"

say "what is there is found"
for part in runtime runtime-dev image image-dev; do
    attempt "installing $part" "$CMAKE" --install "$BUILD" --prefix "$WORK/some" --component $part
done
attempt "runtime and image" consume "$WORK/some" "COMPONENTS;image" "quench::quench;quench::image" "-DLACKS=quench::compiler"
attempt "without components" consume "$WORK/some" "" "quench::quench;quench::image" "-DLACKS=quench::compiler"
refuse "The component 'compiler' is not in this installation" consume "$WORK/some" "COMPONENTS;image;compiler" quench::quench
attempt "installing all" "$CMAKE" --install "$BUILD" --prefix "$WORK/static"
rm -f "$WORK/static/$LIBDIR"/lib*.so*
for library in quench quench-compiler quench-image quench-vision; do
    rm -f "$WORK/static/$LIBDIR/cmake/quench/$library-targets"*.cmake # as BUILD_SHARED_LIBS=OFF installs it
done
attempt "all, static only" consume "$WORK/static" "" "quench::quench;quench::compiler;quench::image"
attempt "all by name, static only" consume "$WORK/static" "COMPONENTS;compiler;image" "quench::compiler;quench::image" "-DHAS=quench::quench"
attempt "vision brings what it uses, static only" consume "$WORK/static" "COMPONENTS;vision" "quench::vision" "-DHAS=quench::quench;quench::image"
export PKG_CONFIG_LIBDIR=/nonexistent PKG_CONFIG_PATH=
refuse "libquench-compiler.a needs jansson" consume "$WORK/static" "COMPONENTS;compiler" quench::compiler
attempt "the runtime, where what the others need is missing" consume "$WORK/static" "" quench::quench "-DLACKS=quench::compiler"

rm -f "$WORK-consumer.txt"
[ "$failures" = 0 ] || { printf 'FAILED: %s checks\n' "$failures"; exit 1; }
say "all is well"
