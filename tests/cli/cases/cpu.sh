# What `quench cpu` says.

it "shows threads, features and kernels"
quench ok cpu
prints '^threads +[0-9]+: [0-9]+ CPU'
prints '^  avx2 '
prints 'conv_f32_4x16_portable'

it "selects the portable kernels with the plain mask, one of each family"
quench ok cpu --cpu generic --json -
expect "$(json level)" = generic
expect "$(json mask)" = generic
selected=0 i=0
: >families
while [ $i -lt "$(json kernels.#)" ]; do
    json kernels.$i.family >>families
    if [ "$(json kernels.$i.selected)" = true ]; then
        expect "$(json kernels.$i.needs)" = ""
        selected=$((selected + 1))
    fi
    i=$((i + 1))
done
expect $selected = "$(sort -u families | wc -l)"
between $selected 6 100

it "takes the mask from QUENCH_CPU, and an option before it"
QUENCH_CPU=generic quench ok cpu --json -
expect "$(json mask)" = generic
QUENCH_CPU=generic quench ok cpu --cpu native --json -
expect "$(json mask)" = native
QUENCH_CPU=genric quench fails cpu
says "QUENCH_CPU.*did you mean 'generic'"

it "counts the CPUs of the affinity mask"
if command -v taskset >/dev/null 2>&1 && taskset -c 0 true 2>/dev/null; then
    taskset -c 0 "$program" cpu --json - >.out
    expect "$(json threads.usable)" = 1
    expect "$(json threads.affinity)" = 1
fi
