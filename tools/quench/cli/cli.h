/* cli/cli.h - what every command of the program shares: options, messages, exit codes, JSON and files. */
#ifndef QUENCH_CLI_CLI_H
#define QUENCH_CLI_CLI_H

#include "quench/compiler.h"
#include "quench/file.h"
#include "quench/text.h"

#include <jansson.h>
#include <stdarg.h>

/* Exit codes. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };
/* What cli_parse answers when the command shall go on. */
enum { CLI_GO_ON = -1 };

/* Passes a failure on to the caller. */
#define CLI_TRY(expr)                                                                                                  \
    do {                                                                                                               \
        qn_status *cli_try_status_ = (expr);                                                                           \
        if (cli_try_status_) return cli_try_status_;                                                                   \
    } while (0)

/* ---- Options ---- */

/* One option of a command; a table of them ends with a row whose help is NULL. */
typedef struct cli_option {
    char letter;       /* its short form: 'o' for -o; 0: none */
    const char *name;  /* without the dashes; NULL: there is only the letter */
    const char *value; /* what its value is called in the help; NULL: it takes none */
    const char *help;
    /* Takes `value` ("" if it takes none) into the settings' field; returns CLI_GO_ON, or cli_usage(...). */
    int (*set)(const struct cli_option *option, void *field, const char *value);
    size_t offset;     /* of the field in the command's settings */
    int64_t low, high; /* numbers: the range */
} cli_option;

typedef struct cli_command {
    const char *name, *usage; /* "verify FILE.qn ..." */
    const char *details;      /* further lines of the help; "" for none */
    const cli_option *options;
    int min_operands, max_operands; /* max -1: any number */
} cli_command;

/* Texts of an option that may be given several times, as no other option with a value may; borrowed from argv. */
typedef struct cli_texts {
    const char **items;
    size_t count;
} cli_texts;

/* A number that may be left out. */
typedef struct cli_number {
    int is_given;
    double value;
} cli_number;

/* Setters: fields of type const char *, int (set to 1), int64_t and cli_number (in [low, high]), cli_texts. */
int cli_set_text(const cli_option *option, void *field, const char *value);
int cli_set_flag(const cli_option *option, void *field, const char *value);
int cli_set_int(const cli_option *option, void *field, const char *value);
int cli_set_number(const cli_option *option, void *field, const char *value);
int cli_add_text(const cli_option *option, void *field, const char *value);
/* The same for what names files: "-" is standard input or output, and pipes work (streams.h). Of cli_add_input also
   behind a "NAME=". */
int cli_set_input(const cli_option *option, void *field, const char *value);
int cli_add_input(const cli_option *option, void *field, const char *value);
int cli_set_output(const cli_option *option, void *field, const char *value);
/* Of cli_write_json(): with "-" the command prints nothing else. */
int cli_set_json(const cli_option *option, void *field, const char *value);
/* A const char * that names CPU features to use. */
int cli_set_cpu(const cli_option *option, void *field, const char *value);

/* "--name" or "-l", as messages call the option; overwritten by the next call. */
const char *cli_option_title(const cli_option *option);

/* The one of `candidates` that `word` may have been meant to be; NULL if none is near. */
const char *cli_find_nearest(const char *word, const char *const *candidates, size_t count);

/* Parses argv[1..] into `settings`; operands are moved to the end and start at *out_first. Answers CLI_GO_ON or an exit
   code (the help has been shown, or the usage was wrong and has been reported). -h/--help, -q/--quiet, -v/--verbose are
   always there. Operands are files that are read; these and the files of options may be pipes (streams.h). */
int cli_parse(const cli_command *command, int argc, char **argv, void *settings, int *out_first);

/* "1,513,513,3" into dims, each >= low (-1: free, where low is -1). Returns the rank or -1. */
int cli_parse_dims(const char *text, int64_t low, int64_t dims[QN_MAX_RANK]);
/* Splits "NAME=VALUE" at the first '='; a text without one has an empty name. *out_name is freed with free(). */
qn_status *cli_split_name(const char *text, char **out_name, const char **out_value) QN_MUST_USE;

/* ---- Printing: nothing else in the program writes to standard output or standard error (scripts/check) ---- */

/* Results, on standard output. As printf, but what arguments bring is made harmless for terminals (quench/text.h), line
   ends included; widths count characters. Conversions: %d %i %u %x %o %c %s and those of floats. */
void cli_print(const char *format, ...) QN_PRINTF(1, 2);
/* A text of several lines, whose line ends and tabs stay. */
void cli_print_lines(const char *text);
/* Bytes for other programs, as they are, on standard output. */
void cli_put_bytes(const void *data, size_t bytes);
/* As cli_print, on standard error, for the functions below: one call is one write. */
void cli_say(const char *format, ...) QN_PRINTF(1, 2);
void cli_vsay(const char *format, va_list args) QN_PRINTF(1, 0);
/* A line of results is there when it is printed, also in a pipe, and before the message that follows it. */
void cli_print_begin(void);
/* Did all results go out? A full disk or a closed pipe shows when the last text does. */
int cli_print_end(void);
/* What is printed from here on goes to standard error. The descriptor that standard output was, or -1 with errno. */
int cli_print_give_way(void);
/* Is standard output (else standard error) a terminal? */
int cli_is_terminal(int is_results);

/* ---- Messages, all on standard error ---- */

/* Reports wrong usage of the command being parsed; returns CLI_USAGE. */
int cli_usage(const char *format, ...) QN_PRINTF(1, 2);
/* Reports and frees `status`; returns CLI_FAILED. */
int cli_fail(qn_status *status);
/* CLI_OK for NULL, else cli_fail(). */
int cli_finish(qn_status *status);
/* Puts "context: " before the message of `status`; NULL stays NULL. */
qn_status *cli_context(qn_status *status, const char *format, ...) QN_PRINTF(2, 3) QN_MUST_USE;
/* For calls of the library that are given a path and name it in their failures: names it also where they do not, which is when
   memory runs out or somebody asks to stop. NULL stays NULL. */
qn_status *cli_name_file(qn_status *status, const char *path) QN_MUST_USE;
/* Returns `first` if it is a failure (freeing `second`), else `second`. */
qn_status *cli_join_status(qn_status *first, qn_status *second) QN_MUST_USE;
qn_status *cli_out_of_memory(void) QN_MUST_USE;
/* "quench: TEXT" unless --quiet. */
void cli_note(const char *format, ...) QN_PRINTF(1, 2);
/* "quench: warning: TEXT", with --quiet too. */
void cli_warn(const char *format, ...) QN_PRINTF(1, 2);
/* As a note, only with --verbose. */
void cli_remark(const char *format, ...) QN_PRINTF(1, 2);
int cli_is_verbose(void);
/* Shows warnings of the library, and what it notices with --verbose. */
extern const qn_log cli_log;
/* Progress: a bar on a terminal, plain lines otherwise, nothing with --quiet. */
void cli_progress(const char *what, size_t done, size_t total);
/* A bar on a terminal with `left` ("", ", 12 s left") behind it; ends at 100. Nothing with --quiet. */
void cli_show_bar(const char *what, int percent, const char *left);

/* ---- JSON and files ---- */

/* Writes `object` to a file (atomically) or standard output ("-") and drops the reference; NULL means that memory was
   short while it was made. Members that are NULL were dropped then, so makers need not check every one. */
qn_status *cli_write_json(const char *path, json_t *object) QN_MUST_USE;
/* A text of any bytes as JSON: as it is, or where that is no UTF-8, as cli_print shows it. */
json_t *cli_json_text(const char *text);
/* qn_text_escape() into fresh memory freed with free(); NULL when memory is short. */
char *cli_escape(const char *text, qn_text_style style) QN_MUST_USE;
/* Is the JSON to go to standard output, which then takes nothing else? */
int cli_json_on_stdout(const char *path);
/* Is there a file, and no folder, device or pipe, which might make who opens it wait? */
int cli_is_regular_file(const char *path);
/* Makes a folder and those above it, and sees that files can be made in it. IO. */
qn_status *cli_make_folder(const char *path) QN_MUST_USE;
/* DIR/NAME in fresh memory freed with free(); NULL when memory is short. */
char *cli_join_path(const char *folder, const char *name);
/* snprintf into fresh memory freed with free(); NULL when memory is short. */
char *cli_format(const char *format, ...) QN_PRINTF(1, 2);

/* Files that a command reads and files that it is going to write, checked against each other before anything runs. */
typedef struct cli_files {
    struct cli_file *items;
    size_t count, capacity;
} cli_files;

/* Adds a file that is read (it need not exist), or one that is written for the sake of `source`. Texts are copied. */
qn_status *cli_files_add_input(cli_files *files, const char *path) QN_MUST_USE;
qn_status *cli_files_add_output(cli_files *files, const char *path, const char *source) QN_MUST_USE;
/* INVALID_ARGUMENT if an output is also an input, by whatever name or link, or is written twice; IO if a folder or
   device has its name. */
qn_status *cli_files_check(const cli_files *files) QN_MUST_USE;
/* Can a file of this path be made? For finding out before long work, not after. IO: its folder is not there or takes no
   files, or a folder or device has the name. NULL and "-" are fine. */
qn_status *cli_check_writable(const char *path) QN_MUST_USE;
/* Is `path`, which may be NULL, directly in `folder`, by their texts? Then it is checked once the folder is made. */
int cli_is_in_folder(const char *path, const char *folder);
/* Can files be made in this folder, or in the nearest above it that is there? IO. */
qn_status *cli_check_folder(const char *path) QN_MUST_USE;
void cli_files_deinit(cli_files *files);

/* ---- Commands ---- */
#define CLI_COMMAND(name, summary) int cli_cmd_##name(int argc, char **argv);
#include "commands.def"
#undef CLI_COMMAND

#endif
