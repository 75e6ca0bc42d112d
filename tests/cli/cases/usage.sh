# Help, wrong usage and exit statuses.
commands="build segment run bench eval compare inspect verify cpu"

it "lists its commands"
quench ok --help
for c in $commands; do prints "^  $c  "; done
quench ok --version
prints '^quench [0-9]'

it "tells more about every command"
for c in $commands; do
    quench ok "$c" --help
    prints "^usage: quench $c"
    prints '--quiet'
done

it "names in its help every format that it reads"
quench ok build --help
formats=$(sed -n 's/^QN_IMPORT_FORMAT(\([a-z0-9_]*\),.*/\1/p' "$source/src/import/formats.def")
expect -n "$formats"
for f in $formats; do prints "^ +--format NAME.* $f[;,]"; done

it "refuses a missing or unknown command"
command=
"$program" >.out 2>.err
expect $? = 2
says "usage: quench COMMAND"
quench misused bild
says "no command 'bild': did you mean build\?"
quench misused zzzzz
says "no command 'zzzzz'; "

it "refuses unknown options, by name"
quench misused cpu --colour
says "option --colour is not known;"
quench fails bench m.qn --thread=2 --layer
says "m.qn: cannot open"
quench misused bench m.qn --treads 2
says "option --treads is not known; did you mean --threads\?"
quench misused bench m.qn --laier=2
says "option --laier=2 is not known; did you mean --layers\?"
quench misused build m.pb --rang=1
says "option --rang is short for --range and --ranges"
quench misused cpu -x
says "option -x is not known"
quench misused cpu --quiet -xv
says "option -x is not known"
quench misused cpu --quiet=3
says "option --quiet=3 takes no value"
quench misused build m.pb -o
says "option -o needs a value"
quench misused bench m.qn --threads
says "option --threads needs a value"
quench misused bench m.qn --layers=3
says "option --layers=3 takes no value"

it "refuses a value given twice, but not a list"
quench misused bench m.qn --threads 2 --threads 3
says "--threads is given twice"
quench misused build m.pb -o a.qn -o b.qn
says "-o is given twice"
quench misused segment m.qn x.jpg --output-dir a -o b
says "--output-dir is given twice"
quench misused segment m.qn x.jpg --alpha 0.5 --alpha=0.5
says "--alpha is given twice"
quench fails segment m.qn x.jpg -o out --save rgb --save gray -q -q
says "m.qn"
quench fails build m.pb -o x.qn --config a.json --config b.json
says "a.json|m.pb"

it "refuses values outside their range"
quench misused bench m.qn --threads 0
says "whole number from 1 to 1024, found '0'"
quench misused bench m.qn --threads two
quench misused bench m.qn --threads 99999999999999999999
quench misused bench m.qn --warmup -1
quench misused bench m.qn --cpu avx512vnn
says "did you mean 'avx512vnni'"
quench misused segment m.qn x.jpg -o out --save indexed,rainbow
says "'rainbow' is none of"
quench misused segment m.qn x.jpg -o out --fit shrnk
says "shrink"
quench misused segment m.qn x.jpg -o out --alpha 1.5
quench misused inspect m.qn --graph svg

it "refuses too few and too many arguments"
quench misused build -o x.qn
quench misused build a.pb b.pb -o x.qn
says "'b.pb' is one argument too many"
quench fails build a.pb
says "a.pb: "
quench misused segment m.qn -o out
quench misused segment m.qn x.jpg
quench misused run m.qn --input x.npy
quench misused eval m.qn --images x
says "--masks"
quench misused verify
quench misused cpu now

it "fails when standard output cannot take its results"
if [ -c /dev/full ]; then
    for arguments in --help cpu "cpu --json -" "cpu --help"; do
        command="$arguments >/dev/full"
        # shellcheck disable=SC2086
        "$program" $arguments >/dev/full 2>.err
        expect $? = 1
        says "cannot write to standard output"
    done
fi
