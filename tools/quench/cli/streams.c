#include "cli/streams.h"

#include "quench/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STREAMS_MAX = 64, PATH_BYTES = 32, PARTNER_MS = 5000 };
#define INPUT_BYTES_MAX ((int64_t)16 << 30) /* of one pipe: it is kept in memory */

/* What stands for a pipe. */
typedef struct stream {
    char path[PATH_BYTES];
    const char *given; /* argv's; where it ends says `length` */
    size_t length;
    int is_output;
} stream;

static struct {
    stream items[STREAMS_MAX];
    int count;
    char input_user[64], output_user[64]; /* who has standard input and output; "": nobody */
    char name[4096];
} state;

/* ---- Names ---- */

static stream *add_stream(const char *given, int descriptor, int is_output) {
    if (state.count == STREAMS_MAX) return NULL;
    stream *s = &state.items[state.count++];
    *s = (stream){.given = given, .length = strlen(given), .is_output = is_output};
    snprintf(s->path, sizeof s->path, "/dev/fd/%d", descriptor);
    return s;
}

static const stream *find_stream(const char *path) {
    for (int i = 0; path && i < state.count; i++)
        if (!strcmp(state.items[i].path, path)) return &state.items[i];
    return NULL;
}

int cli_is_stream(const char *path) {
    const stream *s = find_stream(path);
    return s && s->is_output;
}

const char *cli_given_name(const char *path) {
    const stream *s = find_stream(path);
    if (!s || s->length >= sizeof state.name) return path;
    memcpy(state.name, s->given, s->length);
    state.name[s->length] = 0;
    return state.name;
}

static int is_standard(const char *path, int descriptor) {
    return !strcmp(path, "-") || qn_file_descriptor(path) == descriptor;
}

/* ---- Reading ---- */

/* As read(), which waits also where the pipe was opened not to. */
static ssize_t read_some(int from, char *buffer, size_t bytes) {
    struct pollfd wait = {.fd = from, .events = POLLIN};
    for (;;) {
        ssize_t count = read(from, buffer, bytes);
        if (count >= 0 || (errno != EINTR && errno != EAGAIN)) return count;
        if (errno == EAGAIN && poll(&wait, 1, -1) < 0 && errno != EINTR) return -1;
    }
}

static int copy_all(int from, int to, const char **out_reason) {
    static char buffer[1 << 16];
    int64_t total = 0;
    for (;;) {
        const ssize_t bytes = read_some(from, buffer, sizeof buffer);
        *out_reason = bytes < 0 ? strerror(errno) : total > INPUT_BYTES_MAX ? "it does not end" : NULL;
        if (bytes <= 0 || *out_reason) return !*out_reason;
        for (ssize_t done = 0; done < bytes;) {
            ssize_t written = write(to, buffer + done, (size_t)(bytes - done));
            if (written < 0 && errno == EINTR) continue;
            *out_reason = written < 0 ? strerror(errno) : NULL;
            if (*out_reason) return 0;
            done += written;
        }
        total += bytes;
    }
}

/* Reads `from` to its end into a new file without a name; its descriptor, or -1. `start`: what was read already. */
static int spool(const char *start, size_t bytes, int from, const char **out_reason) {
    int to = memfd_create("quench", MFD_CLOEXEC);
    *out_reason = to < 0 || write(to, start, bytes) != (ssize_t)bytes ? strerror(errno) : NULL;
    if (to < 0 || (!*out_reason && copy_all(from, to, out_reason))) return to;
    close(to);
    return -1;
}

static int unreadable(const char *given, const char *reason) {
    return cli_fail(
        qn_status_create(QN_IO, "%s: cannot be read: %s", strcmp(given, "-") ? given : "standard input", reason));
}

/* `descriptor` becomes what comes out of it, so that its path does. */
static int replace_descriptor(const char *given, const char *start, size_t bytes, int descriptor) {
    const char *reason;
    int spooled = spool(start, bytes, descriptor, &reason);
    if (spooled < 0) return unreadable(given, reason);
    int code = dup2(spooled, descriptor) < 0 ? unreadable(given, strerror(errno)) : CLI_GO_ON;
    close(spooled);
    return code;
}

/* A pipe in a folder, opened without waiting for ever for who writes. */
static int read_pipe(const char *given, const char **out_path) {
    int descriptor = open(given, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) return unreadable(given, strerror(errno));
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    char start = 0;
    ssize_t bytes = 0;
    /* Nothing to read: somebody takes long, or there is nobody. Only reading tells. */
    if (poll(&wait, 1, PARTNER_MS) == 0 && (bytes = read(descriptor, &start, 1)) == 0) {
        close(descriptor);
        return unreadable(given, "nobody writes to this pipe");
    }
    fcntl(descriptor, F_SETFL, 0);
    int code = replace_descriptor(given, &start, bytes > 0 ? 1 : 0, descriptor);
    stream *s = code == CLI_GO_ON ? add_stream(given, descriptor, 0) : NULL;
    if (s) *out_path = s->path;
    return code == CLI_GO_ON && !s ? unreadable(given, "too many pipes") : code;
}

/* A regular file that nothing has read from yet can be opened by the name of its descriptor. */
static int is_plain(int descriptor) {
    struct stat info;
    return !fstat(descriptor, &info) && S_ISREG(info.st_mode) && lseek(descriptor, 0, SEEK_CUR) == 0;
}

static int read_standard(const char *given, const char *user, const char **out_path) {
    if (*state.input_user)
        return cli_usage("standard input can be read once only, here for %s and for %s", state.input_user, user);
    snprintf(state.input_user, sizeof state.input_user, "%s", user);
    *out_path = "/dev/stdin";
    return is_plain(STDIN_FILENO) ? CLI_GO_ON : replace_descriptor(given, "", 0, STDIN_FILENO);
}

/* *out_path stays NULL for what is no stream. */
static int take_input(const char *given, const char *user, const char **out_path) {
    struct stat info;
    *out_path = NULL;
    if (is_standard(given, STDIN_FILENO)) return read_standard(given, user, out_path);
    if (stat(given, &info) || (!S_ISFIFO(info.st_mode) && !S_ISSOCK(info.st_mode))) return CLI_GO_ON;
    int descriptor = qn_file_descriptor(given);
    return descriptor < 0 ? read_pipe(given, out_path) : replace_descriptor(given, "", 0, descriptor);
}

/* ---- Writing ---- */

static int unwritable(const char *given, const char *reason) {
    return cli_fail(qn_status_create(QN_IO, "%s: cannot be written: %s", given, reason));
}

/* Opens a pipe once somebody reads it; -1 with errno. */
static int open_pipe(const char *path) {
    const struct timespec nap = {.tv_nsec = 20000000};
    for (int waited = 0; waited < PARTNER_MS; waited += 20) {
        int descriptor = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (descriptor >= 0) fcntl(descriptor, F_SETFL, 0);
        if (descriptor >= 0 || errno != ENXIO) return descriptor;
        nanosleep(&nap, NULL);
    }
    return -1;
}

static int write_pipe(const char *given, const char **out_path) {
    int descriptor = open_pipe(given);
    if (descriptor < 0) return unwritable(given, errno == ENXIO ? "nobody reads this pipe" : strerror(errno));
    stream *s = add_stream(given, descriptor, 1);
    if (!s) return unwritable(given, "too many pipes");
    *out_path = s->path;
    return CLI_GO_ON;
}

/* What is printed goes to standard error from here on, so that nothing is mixed with the result. */
static int write_standard(const char *given, const char **out_path) {
    int descriptor = cli_print_give_way();
    if (descriptor < 0) return unwritable("standard output", strerror(errno));
    stream *s = add_stream(given, descriptor, 1);
    if (!s) return unwritable("standard output", "too many pipes");
    *out_path = s->path;
    return CLI_GO_ON;
}

static int take_output(const cli_option *option, const char *given, const char **out_path) {
    struct stat info;
    *out_path = NULL;
    if (is_standard(given, STDOUT_FILENO)) {
        if (*state.output_user)
            return cli_usage("standard output can take one result only, not those of %s and of %s", state.output_user,
                             cli_option_title(option));
        snprintf(state.output_user, sizeof state.output_user, "%s", cli_option_title(option));
        if (option->set == cli_set_json) return *out_path = "-", CLI_GO_ON; /* what prints it says nothing else */
        return write_standard(given, out_path);
    }
    if (!stat(given, &info) && S_ISFIFO(info.st_mode) && qn_file_descriptor(given) < 0)
        return write_pipe(given, out_path);
    if (qn_file_descriptor(given) < 0) return CLI_GO_ON;
    stream *s = add_stream(given, qn_file_descriptor(given), 1);
    if (!s) return unwritable(given, "too many pipes");
    *out_path = s->path;
    return CLI_GO_ON;
}

/* ---- All of a command ---- */

/* The texts that were made of "NAME=-", until the program ends. */
static const char *keep_text(char *text) {
    static char *kept[STREAMS_MAX];
    static int count;
    if (!text || count == STREAMS_MAX) return free(text), NULL;
    return kept[count++] = text;
}

/* A text of an option: a file, or "NAME=FILE". */
static int take_text(const char *title, const char **inout_text) {
    const char *path, *equal = strchr(*inout_text, '=');
    int code = take_input(*inout_text, title, &path);
    if (code != CLI_GO_ON || path || !equal) return *inout_text = path ? path : *inout_text, code;
    code = take_input(equal + 1, title, &path);
    if (code != CLI_GO_ON || !path) return code;
    *inout_text = keep_text(cli_format("%.*s=%s", (int)(equal - *inout_text), *inout_text, path));
    return *inout_text ? CLI_GO_ON : cli_fail(cli_out_of_memory());
}

static int take_inputs_of(const cli_option *option, void *field) {
    if (option->set == cli_set_input)
        return *(const char **)field ? take_text(cli_option_title(option), field) : CLI_GO_ON;
    if (option->set != cli_add_input) return CLI_GO_ON;
    cli_texts *texts = field;
    int code = CLI_GO_ON;
    for (size_t i = 0; i < texts->count && code == CLI_GO_ON; i++)
        code = take_text(cli_option_title(option), &texts->items[i]);
    return code;
}

static int take_output_of(const cli_option *option, void *field) {
    const char *path;
    if (option->set != cli_set_output && option->set != cli_set_json) return CLI_GO_ON;
    if (!*(const char **)field) return CLI_GO_ON;
    int code = take_output(option, *(const char **)field, &path);
    if (code == CLI_GO_ON && path) *(const char **)field = path;
    return code;
}

/* Outputs first: whoever shall read one may be waiting, and they cost no reading. */
int cli_take_streams(const cli_command *command, void *settings, char **operands, int count) {
    int code = CLI_GO_ON;
    for (const cli_option *option = command->options; option->help && code == CLI_GO_ON; option++)
        code = take_output_of(option, (char *)settings + option->offset);
    for (const cli_option *option = command->options; option->help && code == CLI_GO_ON; option++)
        code = take_inputs_of(option, (char *)settings + option->offset);
    for (int i = 0; i < count && code == CLI_GO_ON; i++) {
        const char *path;
        code = take_input(operands[i], operands[i], &path);
        if (path) operands[i] = (char *)(uintptr_t)path;
    }
    return code;
}
