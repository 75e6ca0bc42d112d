/* main.c - the program: `quench COMMAND ...`. */
#include "cli/cli.h"

#include <signal.h>
#include <string.h>

typedef struct command_row {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} command_row;

#define CLI_COMMAND(name, summary) {#name, summary, cli_cmd_##name},
static const command_row rows[] = {
#include "commands.def"
};
#undef CLI_COMMAND

enum { ROW_COUNT = sizeof rows / sizeof *rows };

static int show_help(void (*print)(const char *format, ...), int code) {
    print("quench %s - compiles trained networks and runs them on any CPU\n\nusage: quench COMMAND [arguments]\n\n",
          QN_VERSION);
    for (size_t i = 0; i < ROW_COUNT; i++) print("  %-8s  %s\n", rows[i].name, rows[i].summary);
    print("\n`quench help COMMAND` tells more, `quench version` the version. Results go to standard output, "
          "messages to standard error.\n"
          "Exit status: 0 success, 1 the job failed, 2 wrong usage.\n");
    return code;
}

static int refuse(const char *word) {
    const char *names[ROW_COUNT];
    for (size_t i = 0; i < ROW_COUNT; i++) names[i] = rows[i].name;
    const char *nearest = cli_find_nearest(word, names, ROW_COUNT);
    cli_say("quench: error: there is no command '%s'%s%s%s; `quench --help` lists them\n", word,
            nearest ? ": did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    return CLI_USAGE;
}

static const command_row *find_row(const char *word) {
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (!strcmp(rows[i].name, word)) return &rows[i];
    return NULL;
}

/* `quench help build` is `quench build --help`. */
static int help_with(char *word) {
    char option[] = "--help", *words[] = {word, option, NULL};
    const command_row *row = find_row(word);
    return row ? row->run(2, words) : refuse(word);
}

static int run(int argc, char **argv) {
    if (argc < 2) return show_help(cli_say, CLI_USAGE);
    const char *word = argv[1];
    int asks_help = !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
    if (asks_help && (argc < 3 || *argv[2] == '-')) return show_help(cli_print, CLI_OK);
    if (asks_help) return help_with(argv[2]);
    if (!strcmp(word, "--version") || !strcmp(word, "version")) return cli_print("quench %s\n", QN_VERSION), CLI_OK;
    const command_row *row = find_row(word);
    return row ? row->run(argc - 1, argv + 1) : refuse(word);
}

int main(int argc, char **argv) {
    cli_print_begin();
    signal(SIGXFSZ, SIG_IGN); /* results that go beyond a limit on file sizes are an error like any other */
    int code = run(argc, argv);
    if (cli_print_end()) return code;
    cli_say("quench: error: cannot write to standard output\n");
    return CLI_FAILED;
}
