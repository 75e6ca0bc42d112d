#!/bin/sh
# package.sh - installs into an empty prefix, moves that elsewhere, and judges what lies there as a user would: who
# exports what, size, dependencies, headers, and the examples, built through CMake and through pkg-config and run on the
# bundled models. CTest sets the variables (tests/install/CMakeLists.txt).
set -u
. "$SOURCE/tests/install/lib.sh"
prefix=$WORK/prefix
libraries="quench quench-compiler quench-image quench-vision"
scenes=$SOURCE/models/scenes

die() { printf 'FAILED: %s\n' "$*"; exit 1; }
library() { printf '%s/%s/lib%s.so.%s' "$prefix" "$LIBDIR" "$1" "$VERSION"; }

install_and_move() {
    say "installing into an empty prefix, and moving that"
    rm -rf "$WORK"
    mkdir -p "$WORK"
    attempt "cmake --install" "$CMAKE" --install "$BUILD" --prefix "$WORK/first" --strip || exit 1
    mv "$WORK/first" "$prefix"
    for file in bin/quench include/quench/quench.h share/doc/quench/LICENSE share/doc/quench/examples/CMakeLists.txt \
        "$LIBDIR/libquench.a" "$LIBDIR/libquench-compiler.a" "$LIBDIR/libquench-image.a" "$LIBDIR/libquench-vision.a" \
        "$LIBDIR/pkgconfig/quench.pc" "$LIBDIR/cmake/quench/quench-config.cmake"; do
        [ -f "$prefix/$file" ] || complain "$file is not installed"
    done
    for path in "$BUILD" "$SOURCE" "$WORK/first"; do
        named=$(grep -rlF -e "$path/" "$prefix")
        [ -z "$named" ] || complain "these name $path, which their users do not have: $named"
    done
}

# The library whose header declares it exports a function, and no other does.
check_exports() {
    say "exported symbols"
    for name in $libraries; do
        nm -D --defined-only "$(library $name)" | awk '{print $3}' | sed 's/@.*//' | sort >"$WORK/exports.$name"
        : >"$WORK/declared.$name"
    done
    for header in "$prefix"/include/quench/*.h; do
        base=$(basename "$header")
        owner=quench
        [ "$base" = image.h ] && owner=quench-image
        [ "$base" = vision.h ] && owner=quench-vision
        [ "$base" != quench.h ] && grep -qF "\"quench/$base\"" "$prefix/include/quench/compiler.h" && owner=quench-compiler
        tr '\n' ' ' <"$header" | grep -oE 'QN_API [^;()]*\(' | grep -oE 'qn_[a-z0-9_]+\(' | tr -d '(' >>"$WORK/declared.$owner"
    done
    for name in $libraries; do
        sort -u "$WORK/declared.$name" >"$WORK/declared"
        [ -s "$WORK/declared" ] || complain "found no declaration for lib$name"
        surplus=$(comm -13 "$WORK/declared" "$WORK/exports.$name" | tr '\n' ' ')
        missing=$(comm -23 "$WORK/declared" "$WORK/exports.$name" | tr '\n' ' ')
        [ -z "$surplus" ] || complain "lib$name.so exports what its headers do not declare: $surplus"
        [ -z "$missing" ] || complain "lib$name.so does not export what its headers declare: $missing"
        printf '   lib%s.so: %s functions\n' "$name" "$(wc -l <"$WORK/exports.$name")"
    done
}

needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

check_libraries() {
    say "size, SONAME, dependencies"
    for name in $libraries; do
        file=$(library $name)
        soname=$(readelf -d "$file" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
        [ "$soname" = "lib$name.so.$SOVERSION" ] || complain "SONAME of lib$name is '$soname', expected lib$name.so.$SOVERSION"
        printf '   lib%s.so: %s bytes, needs %s\n' "$name" "$(wc -c <"$file")" "$(needed "$file" | tr '\n' ' ')"
    done
    bytes=$(wc -c <"$(library quench)")
    [ "$bytes" -le 1048576 ] || complain "stripped libquench.so has $bytes bytes, allowed are 1048576"
    others=$(needed "$(library quench)" | grep -vE '^(libc\.so|libm\.so|ld-linux)')
    [ -z "$others" ] || complain "libquench.so needs more than libc and libm: $others"
    needed "$(library quench-compiler)" | grep -qx "libquench.so.$SOVERSION" || complain "libquench-compiler.so does not use libquench.so"
}

check_headers() {
    say "every header alone, as C11 and C++11"
    [ -n "$CXX" ] || echo "   skipped: C++11, for want of a C++ compiler"
    for header in "$prefix"/include/quench/*.h; do
        base=$(basename "$header")
        printf '#include <quench/%s>\nint main(void) { return 0; }\n' "$base" >"$WORK/alone.c"
        attempt "$base as C11" "$CC" -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -fsyntax-only "$WORK/alone.c"
        [ -n "$CXX" ] || continue
        attempt "$base as C++11" "$CXX" -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -fsyntax-only "$WORK/alone.c"
    done
}

# build_examples FOLDER [cmake options]
build_examples() {
    folder=$WORK/$1
    shift
    attempt "configuring the examples with $*" "$CMAKE" -S "$prefix/share/doc/quench/examples" -B "$folder" -G "$GENERATOR" \
        -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$CC" -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_C_FLAGS="-Wall -Wextra -Wpedantic -Wshadow -Werror" "$@" &&
        attempt "building the examples with $*" "$CMAKE" --build "$folder"
}

# compile_example FOLDER NAME FLAGS: with nothing but the compiler and what pkg-config says.
compile_example() {
    mkdir -p "$WORK/$1"
    # shellcheck disable=SC2086
    attempt "$2 with pkg-config" "$CC" -std=c11 -o "$WORK/$1/$2" "$prefix/share/doc/quench/examples/$2.c" $3
}

# expect STATUS PATTERN COMMAND...: exit status, and a line of what it prints that matches.
expect() {
    status=$1 pattern=$2
    shift 2
    "$@" >"$WORK/log" 2>&1
    found=$?
    [ $found = "$status" ] && grep -qE -e "$pattern" "$WORK/log" && return 0
    cat "$WORK/log"
    complain "exit $found, expected $status and '$pattern', from: $*"
    return 1
}

# same_picture PLAIN MARKED: the same PNG, but for the mark that the program's results carry before the chunk that ends them.
same_picture() {
    before_end=$(($(wc -c <"$1") - 12)) mark_bytes=35
    [ "$(wc -c <"$2")" = $((before_end + 12 + mark_bytes)) ] && cmp -n $before_end "$1" "$2" &&
        tail -c $((12 + mark_bytes)) "$2" | grep -aq 'quench segment'
}

# run_examples FOLDER NAME...
run_examples() {
    bin=$WORK/$1
    shift
    for name in "$@"; do
        [ -x "$bin/$name" ] || continue # complained about already
        say "running $(basename "$bin")/$name"
        expect 2 "^usage: $name " "$bin/$name"
        case $name in
        segment_picture)
            for picture in "$scenes"/pictures/*.jpg; do # two of them are larger than the model takes
                scene=$(basename "$picture" .jpg)
                rm -f "$WORK/labels.png" "$WORK/overlay.png"
                expect 0 "$scene.jpg: " "$bin/$name" "$WORK/scenes.qn" "$picture" "$WORK/labels.png" "$WORK/overlay.png" "$scenes/palette.txt" || break
                same_picture "$WORK/labels.png" "$WORK/program/$scene.png" || complain "$name: other labels of $scene than the program's"
                same_picture "$WORK/overlay.png" "$WORK/program/$scene.overlay.png" || complain "$name: another overlay of $scene than the program's"
            done
            expect 1 "nothing.jpg" "$bin/$name" "$WORK/scenes.qn" "$WORK/nothing.jpg" "$WORK/no.png" "$WORK/no.overlay.png"
            [ ! -e "$WORK/no.png" ] || complain "$name: wrote labels of a picture that does not exist"
            ;;
        photo_to_mask)
            for picture in "$scenes"/pictures/*.jpg; do
                scene=$(basename "$picture" .jpg)
                rm -f "$WORK/mask.png"
                attempt "$name" "$bin/$name" "$WORK/scenes.qn" "$picture" "$WORK/mask.png" || break
                same_picture "$WORK/mask.png" "$WORK/plain/$scene.png" || complain "$name: another mask of $scene than the program's"
            done
            expect 1 'nothing.jpg' "$bin/$name" "$WORK/scenes.qn" "$WORK/nothing.jpg" "$WORK/no.png"
            expect 1 'nothing.qn' "$bin/$name" "$WORK/nothing.qn" "$picture" "$WORK/no.png"
            ;;
        mutable_shapes)
            expect 0 '4x31x97x3 -> .* 4x31x97$' "$bin/$name" "$WORK/dynamic.qn" 1,7,5,3 4,31,97,3 1,128,96,3
            expect 0 '1x128x96x3 -> .* 1x128x96$' "$bin/$name" "$WORK/dynamic.qn" 1,7,5,3 4,31,97,3 1,128,96,3
            expect 0 '1x162x161x3: refused: .*1\.\.161' "$bin/$name" "$WORK/scenes.qn" 1,162,161,3 1,161,161,3
            expect 1 "is no shape" "$bin/$name" "$WORK/dynamic.qn" 1,a
            ;;
        many_threads)
            expect 0 '^8 threads, .* identical answers$' "$bin/$name" "$WORK/dynamic.qn" 2,64,48,3 8
            expect 1 'nothing.qn' "$bin/$name" "$WORK/nothing.qn" 1,64,48,3
            ;;
        serialise_memory)
            expect 0 'identical answers$' "$bin/$name" "$scenes/scenes.pb" 1,97,97,3
            expect 1 'palette.txt' "$bin/$name" "$scenes/palette.txt" 1,97,97,3
            ;;
        network_by_hand)
            expect 0 '^\.##\.\.\.\.\.##\.$' "$bin/$name" 8 11
            expect 1 "'x' is no size" "$bin/$name" x
            ;;
        calibrate_int8)
            rm -f "$WORK/int8.qn" "$WORK/int8.qn.ranges.json" "$WORK/nearest.qn" "$WORK/again.qn"
            expect 0 'int8\.qn: [0-9]+ bytes, calibrated on 8 pictures$' "$bin/$name" "$scenes/scenes.pb" "$scenes/pictures" "$WORK/int8.qn"
            # Ranges hold no samples to learn the rounding of weights on: the same model as one rounded to the nearest.
            expect 0 '' "$prefix/bin/quench" build "$scenes/scenes.pb" -o "$WORK/nearest.qn" --precision qint8_mixed_float16 --calibrate "$scenes/pictures" --rounding 0
            expect 0 '' "$prefix/bin/quench" build "$scenes/scenes.pb" -o "$WORK/again.qn" --precision qint8_mixed_float16 --ranges "$WORK/int8.qn.ranges.json" --rounding 0
            cmp "$WORK/int8.qn" "$WORK/program.int8.qn" || complain "$name: another model than the program's"
            cmp "$WORK/nearest.qn" "$WORK/again.qn" || complain "$name: its ranges give another model"
            expect 1 'no samples to calibrate on' "$bin/$name" "$scenes/scenes.pb" "$scenes" "$WORK/no.qn"
            expect 1 'nothing: no folder' "$bin/$name" "$scenes/scenes.pb" "$WORK/nothing" "$WORK/no.qn"
            [ ! -e "$WORK/no.qn" ] || complain "$name: wrote a model without pictures"
            ;;
        *) complain "example $name is built and not run" ;;
        esac
    done
}

# Compiles what the examples run, and makes the pictures that theirs are compared with.
run_program() {
    say "the installed program"
    expect 0 "" "$prefix/bin/quench" build "$scenes/scenes.pb" -o "$WORK/scenes.qn" &&
        expect 0 "" "$prefix/bin/quench" build "$scenes/scenes_dynamic.pb" -o "$WORK/dynamic.qn" &&
        expect 0 "" "$prefix/bin/quench" build "$scenes/scenes.pb" -o "$WORK/program.int8.qn" --precision qint8_mixed_float16 --calibrate "$scenes/pictures" &&
        expect 0 "" "$prefix/bin/quench" segment "$WORK/scenes.qn" "$scenes/pictures" -o "$WORK/program" --palette "$scenes/palette.txt" &&
        expect 0 "" "$prefix/bin/quench" segment "$WORK/scenes.qn" "$scenes/pictures" -o "$WORK/plain" --save indexed
}

check_versions() {
    say "versions"
    for name in $libraries; do
        found=$("$PKG_CONFIG" --modversion "$name") || found=nothing
        [ "$found" = "$VERSION" ] || complain "pkg-config --modversion $name says $found, expected $VERSION"
    done
    cat >"$WORK/version.cmake" <<EOF
find_package(quench 99 QUIET CONFIG PATHS "$prefix" NO_DEFAULT_PATH)
if(quench_FOUND OR NOT quench_CONSIDERED_VERSIONS STREQUAL "$VERSION")
  message(FATAL_ERROR "asked for version 99, found \${quench_VERSION} among '\${quench_CONSIDERED_VERSIONS}'")
endif()
EOF
    attempt "find_package(quench 99) refuses" "$CMAKE" -P "$WORK/version.cmake"
}

install_and_move
export PKG_CONFIG_PATH="$prefix/$LIBDIR/pkgconfig"
examples=$(cd "$prefix/share/doc/quench/examples" && ls ./*.c | sed 's|^\./||; s|\.c$||')
[ -n "$examples" ] || die "no examples are installed"
check_exports
check_libraries
check_headers
check_versions
run_program || die "$failures checks; the examples were not tried"

say "examples through find_package, shared and static"
build_examples shared && for name in $examples; do run_examples shared "$name"; done
build_examples static -DEXAMPLES_STATIC=ON && for name in $examples; do run_examples static "$name"; done

say "examples through pkg-config, shared and static"
run_path=-Wl,-rpath,$prefix/$LIBDIR
compile_example pkg segment_picture "$("$PKG_CONFIG" --cflags --libs quench-image) $run_path"
compile_example pkg photo_to_mask "$("$PKG_CONFIG" --cflags --libs quench-vision) $run_path"
compile_example pkg serialise_memory "$("$PKG_CONFIG" --cflags --libs quench-compiler) $run_path"
compile_example pkg-static many_threads "-static $("$PKG_CONFIG" --static --cflags --libs quench)"
run_examples pkg segment_picture photo_to_mask serialise_memory
run_examples pkg-static many_threads

[ "$failures" = 0 ] || die "$failures checks"
say "all is well"
