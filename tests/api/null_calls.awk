# Reads the public headers and writes one C function for every pointer argument of every public function, which calls
# that function with NULL there, and a table of them.
#
#     awk -v settings=arguments.txt -f null_calls.awk include/quench/*.h > null_calls.inc
#
# Other arguments come from the fixture: a member named after the type ("const qn_model_options *" is c_qn_model_options_p, "size_t" is v_size_t) or what arguments.txt says.

function fail(text) {
    print "null_calls.awk: " text > "/dev/stderr"
    failed = 1
    exit 1
}

# Splits parameters at commas outside brackets.
function split_parameters(text, out,    i, c, depth, count, current) {
    count = 0; depth = 0; current = ""
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "(") depth++
        if (c == ")") depth--
        if (c == "," && depth == 0) { out[++count] = current; current = "" } else current = current c
    }
    if (current !~ /^ *(void)? *$/) out[++count] = current
    return count
}

# Sets name, type key and is_pointer of a parameter.
function read_parameter(text,    stars) {
    sub(/^ +/, "", text); sub(/ +$/, "", text)
    is_pointer = 0
    if (match(text, /\(\*[a-z_]+\)/)) {
        name = substr(text, RSTART + 2, RLENGTH - 3)
        key = "function"
        is_pointer = 1
        return
    }
    if (sub(/\[[^\]]*\]$/, "", text)) is_pointer = 1
    match(text, /[A-Za-z_0-9]+$/)
    name = substr(text, RSTART)
    key = substr(text, 1, RSTART - 1)
    if (is_pointer) key = key "*"
    if (key ~ /\*/ || key ~ /_fn *$/) is_pointer = 1
    stars = gsub(/\*/, "*", key)
    is_const = key ~ /^ *const /
    gsub(/const/, "", key); gsub(/[* ]/, "", key)
    key = (!stars ? "v_" : is_const ? "c_" : "") key (stars ? "_" substr("pppp", 1, stars) : "")
}

function read_declaration(text,    returns, count, i, j, call, parameters, names, keys, pointers, id) {
    gsub(/QN_MUST_USE|QN_PRINTF\([^)]*\)/, "", text)
    if (!match(text, /qn_[a-z0-9_]+\(/)) fail("no function in: " text)
    fn = substr(text, RSTART, RLENGTH - 1)
    returns = substr(text, 1, RSTART - 1)
    text = substr(text, RSTART + RLENGTH)
    sub(/\) *$/, "", text)
    count = split_parameters(text, parameters)
    if (parameters[count] ~ /\.\.\./) count--
    for (i = 1; i <= count; i++) {
        read_parameter(parameters[i])
        names[i] = name; keys[i] = key; pointers[i] = is_pointer
    }
    functions++
    for (i = 1; i <= count; i++) {
        if (!pointers[i]) continue
        call = fn "("
        for (j = 1; j <= count; j++) {
            call = call (j > 1 ? ", " : "")
            if (j == i) call = call "NULL"
            else if ((fn " " names[j]) in value) call = call value[fn " " names[j]]
            else if (("* " names[j]) in value) call = call value["* " names[j]]
            else call = call "f->" keys[j]
        }
        call = call ")"
        id = ++calls
        if (returns ~ /qn_status \*/)
            printf "static void call_%d(fixture *f) { f->status = %s; }\n", id, call
        else
            printf "static void call_%d(fixture *f) { (void)f; %s%s; }\n", id, returns ~ /^ *void *$/ ? "" : "(void)", call
        is_optional = ((fn " " names[i]) in optional) || (("* " names[i]) in optional)
        table = table sprintf("    {\"%s\", \"%s\", call_%d, %d, %d},\n", fn, names[i], id, returns ~ /qn_status \*/, is_optional)
        seen[fn " " names[i]] = 1
    }
}

BEGIN {
    while ((getline line < settings) > 0) {
        if (line ~ /^ *(#|$)/) continue
        n = split(line, word, " ")
        if (word[3] == "optional") optional[word[1] " " word[2]] = 1
        else if (word[3] == "=") {
            sub(/^[^=]*= */, "", line)
            value[word[1] " " word[2]] = line
        } else fail("arguments.txt: " line)
    }
}

{ sub(/^#.*/, ""); text = text " " $0 }

END {
    if (failed) exit 1
    while ((begin = index(text, "/*")) > 0) {
        rest = substr(text, begin + 2)
        text = substr(text, 1, begin - 1) " " substr(rest, index(rest, "*/") + 2)
    }
    gsub(/[ \t]+/, " ", text)
    parts = split(text, part, ";")
    for (p = 1; p <= parts; p++) {
        at = index(part[p], "QN_API ")
        if (at) read_declaration(substr(part[p], at + 7))
    }
    for (entry in optional) if (entry !~ /^\*/ && !(entry in seen)) fail("arguments.txt names no argument: " entry)
    printf "static const null_call null_calls[] = {\n%s};\n", table
    printf "enum { FUNCTIONS = %d };\n", functions
}
