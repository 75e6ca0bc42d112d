/* cli.c - options and messages of the program. */
#include "cli/cli.h"
#include "cli/streams.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPTIONS_MAX = 40, FIRST_OPTION = 256 };

static struct {
    const char *command;
    int quiet, verbose;
    int in_bar; /* a progress bar waits for its line to end */
} state = {"", 0, 0, 0};

/* ---- Help ---- */

static void show_option(char letter, const char *name, const char *value, const char *help) {
    char left[80];
    int length = 0;
    if (letter) length += snprintf(left, sizeof left, "-%c%s", letter, name ? ", " : "");
    if (name) length += snprintf(left + length, sizeof left - (size_t)length, "--%s", name);
    if (value) snprintf(left + length, sizeof left - (size_t)length, " %s", value);
    cli_print("  %-26s  %s\n", left, help);
}

static void show_help(const cli_command *command) {
    cli_print("usage: quench %s\n", command->usage);
    if (*command->details) {
        cli_print("\n");
        cli_print_lines(command->details);
        cli_print("\n");
    }
    cli_print("\noptions:\n");
    for (const cli_option *option = command->options; option->help; option++)
        show_option(option->letter, option->name, option->value, option->help);
    show_option('q', "quiet", NULL, "no progress, no notes");
    show_option('v', "verbose", NULL, "say what is chosen and why");
    show_option('h', "help", NULL, "this text");
}

/* ---- Parsing ---- */

/* The table in getopt's forms. */
static void make_options(const cli_command *command, struct option *out_long, char *out_short) {
    *out_short++ = ':';
    for (int i = 0; command->options[i].help && i < OPTIONS_MAX; i++) {
        const cli_option *option = &command->options[i];
        if (option->letter) *out_short++ = option->letter;
        if (option->letter && option->value) *out_short++ = ':';
        if (option->name)
            *out_long++ =
                (struct option){option->name, option->value ? required_argument : no_argument, NULL, FIRST_OPTION + i};
    }
    strcpy(out_short, "hqv");
    *out_long++ = (struct option){"help", no_argument, NULL, 'h'};
    *out_long++ = (struct option){"quiet", no_argument, NULL, 'q'};
    *out_long++ = (struct option){"verbose", no_argument, NULL, 'v'};
}

const char *cli_option_title(const cli_option *option) {
    static char title[48];
    if (option->name)
        snprintf(title, sizeof title, "--%s", option->name);
    else
        snprintf(title, sizeof title, "-%c", option->letter);
    return title;
}

/* `is_given`, one for each option, tells which came already. */
static int take_option(const cli_command *command, int code, char *is_given, void *settings) {
    for (int i = 0; command->options[i].help; i++) {
        const cli_option *option = &command->options[i];
        if (code != FIRST_OPTION + i && !(option->letter && code == option->letter)) continue;
        if (is_given[i] && option->value && option->set != cli_add_text && option->set != cli_add_input)
            return cli_usage("%s is given twice", cli_option_title(option));
        is_given[i] = 1;
        return option->set(option, (char *)settings + option->offset, option->value ? optarg : "");
    }
    return CLI_GO_ON;
}

/* Levenshtein's distance of two words of less than WORD_MAX letters. */
enum { WORD_MAX = 64 };
static size_t count_edits(const char *a, const char *b) {
    const size_t length = strlen(b);
    size_t row[WORD_MAX];
    for (size_t j = 0; j <= length; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            const size_t above = row[j + 1], replaced = diagonal + (a[i] != b[j]);
            const size_t shorter = above < row[j] ? above : row[j];
            row[j + 1] = replaced < shorter + 1 ? replaced : shorter + 1;
            diagonal = above;
        }
    }
    return row[length];
}

const char *cli_find_nearest(const char *word, const char *const *candidates, size_t count) {
    const char *best = NULL;
    size_t fewest = (strlen(word) + 2) / 3;
    for (size_t i = 0; i < count && strlen(word) < WORD_MAX; i++) {
        const size_t edits = strlen(candidates[i]) < WORD_MAX ? count_edits(word, candidates[i]) : WORD_MAX;
        if (edits > fewest || (best && edits == fewest)) continue;
        fewest = edits;
        best = candidates[i];
    }
    return best;
}

/* A long option that getopt does not take: mistyped, or a beginning of several. */
static int refuse_name(const struct option *known, const char *word) {
    const char *names[OPTIONS_MAX + 4], *first = NULL, *second = NULL;
    char name[WORD_MAX];
    size_t count = 0;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (; known->name; known++) {
        names[count++] = known->name;
        if (strncmp(known->name, name, strlen(name))) continue;
        second = first ? known->name : NULL;
        first = first ? first : known->name;
        if (second) return cli_usage("option --%s is short for --%s and --%s", name, first, second);
    }
    const char *nearest = cli_find_nearest(name, names, count);
    return cli_usage("option %s is not known%s%s%s", word, nearest ? "; did you mean --" : "", nearest ? nearest : "",
                     nearest ? "?" : "");
}

/* `letters`: as getopt takes them. The argument before optind may be one before that of an unknown letter. */
static int refuse_option(const struct option *known, const char *letters, int code, char **argv) {
    int is_letter = optopt > 0 && optopt < FIRST_OPTION;
    if (code == ':' && is_letter) return cli_usage("option -%c needs a value", optopt);
    if (code == ':') return cli_usage("option %s needs a value", argv[optind - 1]);
    if (is_letter && !strchr(letters, optopt)) return cli_usage("option -%c is not known", optopt);
    if (optopt) return cli_usage("option %s takes no value", argv[optind - 1]);
    return refuse_name(known, argv[optind - 1]);
}

int cli_parse(const cli_command *command, int argc, char **argv, void *settings, int *out_first) {
    struct option long_options[OPTIONS_MAX + 4] = {{0}};
    char letters[2 * OPTIONS_MAX + 8], is_given[OPTIONS_MAX] = {0};
    make_options(command, long_options, letters);
    state.command = command->name;
    opterr = 0;
    for (;;) {
        int code = getopt_long(argc, argv, letters, long_options, NULL), answer = CLI_GO_ON;
        if (code == -1) break;
        if (code == 'h') return show_help(command), CLI_OK;
        if (code == 'q')
            state.quiet = 1;
        else if (code == 'v')
            state.verbose = 1;
        else if (code == ':' || code == '?')
            answer = refuse_option(long_options, letters, code, argv);
        else
            answer = take_option(command, code, is_given, settings);
        if (answer != CLI_GO_ON) return answer;
    }
    int operands = argc - optind;
    if (operands < command->min_operands) return cli_usage("too few arguments: usage: quench %s", command->usage);
    if (command->max_operands >= 0 && operands > command->max_operands)
        return cli_usage("'%s' is one argument too many: usage: quench %s", argv[optind + command->max_operands],
                         command->usage);
    *out_first = optind;
    return cli_take_streams(command, settings, argv + optind, operands);
}

int cli_set_text(const cli_option *option, void *field, const char *value) {
    if (!*value) return cli_usage("%s: an empty %s means nothing", cli_option_title(option), option->value);
    *(const char **)field = value;
    return CLI_GO_ON;
}

int cli_set_flag(const cli_option *option, void *field, const char *value) {
    (void)option, (void)value;
    *(int *)field = 1;
    return CLI_GO_ON;
}

int cli_set_int(const cli_option *option, void *field, const char *value) {
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (end == value || *end || errno || number < option->low || number > option->high)
        return cli_usage("%s: expected a whole number from %lld to %lld, found '%s'", cli_option_title(option),
                         (long long)option->low, (long long)option->high, value);
    *(int64_t *)field = number;
    return CLI_GO_ON;
}

int cli_set_number(const cli_option *option, void *field, const char *value) {
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end || !(number >= (double)option->low && number <= (double)option->high))
        return cli_usage("%s: expected a number from %lld to %lld, found '%s'", cli_option_title(option),
                         (long long)option->low, (long long)option->high, value);
    *(cli_number *)field = (cli_number){1, number};
    return CLI_GO_ON;
}

int cli_set_cpu(const cli_option *option, void *field, const char *value) {
    qn_cpu_info *info = NULL;
    qn_status *status = qn_cpu_info_create(value, NULL, &info);
    qn_cpu_info_destroy(info);
    int answer = status ? cli_usage("%s: %s", cli_option_title(option), qn_status_message(status)) : CLI_GO_ON;
    qn_status_free(status);
    *(const char **)field = value;
    return answer;
}

int cli_add_text(const cli_option *option, void *field, const char *value) {
    cli_texts *texts = field;
    if (!*value) return cli_usage("%s: an empty %s means nothing", cli_option_title(option), option->value);
    const char **items = realloc(texts->items, (texts->count + 1) * sizeof *items);
    if (!items) return cli_fail(cli_out_of_memory());
    items[texts->count++] = value;
    texts->items = items;
    return CLI_GO_ON;
}

int cli_set_input(const cli_option *option, void *field, const char *value) {
    return cli_set_text(option, field, value);
}
int cli_add_input(const cli_option *option, void *field, const char *value) {
    return cli_add_text(option, field, value);
}
int cli_set_output(const cli_option *option, void *field, const char *value) {
    return cli_set_text(option, field, value);
}
int cli_set_json(const cli_option *option, void *field, const char *value) {
    return cli_set_text(option, field, value);
}

int cli_parse_dims(const char *text, int64_t low, int64_t dims[QN_MAX_RANK]) {
    int rank = 0;
    if (!*text) return 0;
    for (;;) {
        char *end;
        errno = 0;
        long long value = strtoll(text, &end, 10);
        if (end == text || errno || value < low || rank == QN_MAX_RANK) return -1;
        dims[rank++] = value;
        if (!*end) return rank;
        if (*end != ',' && *end != 'x') return -1;
        text = end + 1;
    }
}

qn_status *cli_split_name(const char *text, char **out_name, const char **out_value) {
    const char *equal = strchr(text, '=');
    *out_value = equal ? equal + 1 : text;
    *out_name = strndup(text, equal ? (size_t)(equal - text) : 0);
    return *out_name ? NULL : cli_out_of_memory();
}

/* ---- Messages ---- */

/* A message starts on a line of its own. */
static void end_bar(void) {
    if (state.in_bar) cli_say("\n");
    state.in_bar = 0;
}

int cli_usage(const char *format, ...) {
    va_list args;
    va_start(args, format);
    cli_say("quench: error: ");
    cli_vsay(format, args);
    cli_say("; see `quench %s --help`\n", state.command);
    va_end(args);
    return CLI_USAGE;
}

int cli_fail(qn_status *status) {
    end_bar();
    cli_say("quench: error: %s\n", qn_status_message(status));
    if (state.verbose)
        cli_say("quench: (%s, detected at %s)\n", qn_code_name(qn_status_code(status)), qn_status_where(status));
    qn_status_free(status);
    return CLI_FAILED;
}

int cli_finish(qn_status *status) { return status ? cli_fail(status) : CLI_OK; }

qn_status *cli_out_of_memory(void) { return qn_status_create(QN_OUT_OF_MEMORY, "out of memory"); }

/* Failures to which the library adds no context, and so no file either. */
static int is_bare(const qn_status *status) {
    const qn_code code = qn_status_code(status);
    return code == QN_OUT_OF_MEMORY || code == QN_CANCELLED;
}

qn_status *cli_context(qn_status *status, const char *format, ...) {
    if (!status) return NULL;
    char context[512];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);
    if (!is_bare(status)) return qn_status_context(status, "%s", context);
    qn_status *longer = qn_status_create(qn_status_code(status), "%s: %s", context, qn_status_message(status));
    qn_status_free(status);
    return longer;
}

qn_status *cli_name_file(qn_status *status, const char *path) {
    return is_bare(status) ? cli_context(status, "%s", path) : status;
}

qn_status *cli_join_status(qn_status *first, qn_status *second) {
    if (!first) return second;
    qn_status_free(second);
    return first;
}

static void note(const char *kind, const char *format, va_list args) {
    end_bar();
    cli_say("quench: %s", kind);
    cli_vsay(format, args);
    cli_say("\n");
}

void cli_note(const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (!state.quiet) note("", format, args);
    va_end(args);
}

void cli_warn(const char *format, ...) {
    va_list args;
    va_start(args, format);
    note("warning: ", format, args);
    va_end(args);
}

void cli_remark(const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (state.verbose) note("", format, args);
    va_end(args);
}

int cli_is_verbose(void) { return state.verbose; }

static void write_log(void *self, qn_log_level level, const char *text) {
    (void)self;
    if (level == QN_LOG_WARNING)
        cli_warn("%s", text);
    else if (level == QN_LOG_NOTICE)
        cli_note("note: %s", text);
    else
        cli_remark("%s", text);
}

const qn_log cli_log = {NULL, write_log};

void cli_progress(const char *what, size_t done, size_t total) {
    static size_t shown_tenth = SIZE_MAX;
    if (state.quiet || !total) return;
    if (cli_is_terminal(0)) {
        int width = (int)(done * 40 / total);
        cli_say("\r%s [%.*s%*s] %zu/%zu", what, width, "########################################", 40 - width, "", done,
                total);
        state.in_bar = 1;
        if (done == total) end_bar();
        return;
    }
    size_t tenth = done * 10 / total;
    if (total < 20 || !tenth || tenth == shown_tenth) return;
    shown_tenth = done == total ? SIZE_MAX : tenth;
    cli_say("quench: %s: %zu of %zu\n", what, done, total);
}

void cli_show_bar(const char *what, int percent, const char *left) {
    int width = percent * 40 / 100;
    if (state.quiet) return;
    cli_say("\r\033[K%-11s [%.*s%*s] %3d %%%s", what, width, "########################################", 40 - width, "",
            percent, left);
    state.in_bar = 1;
    if (percent == 100) end_bar();
}
