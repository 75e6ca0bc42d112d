/* cli/streams.h - standard input and output, pipes and process substitutions where options and arguments name files.
 *
 * What commands and the library read may be opened twice, mapped and read from any place. So an input that is none is
 * read to its end, once and before anything else, into a file without a name; an output is an open descriptor, written
 * as it stands. Either has a path ("/dev/stdin", "/dev/fd/7") that everything opens like any other.
 */
#ifndef QUENCH_CLI_STREAMS_H
#define QUENCH_CLI_STREAMS_H

#include "cli/cli.h"

/* Replaces "-" and pipes by such paths in what the command's options and operands name; `operands` are argv's. Where a
 * result goes to standard output, printf from then on goes to standard error.
 * returns  CLI_GO_ON; an exit code, reported: standard input or output would serve two, or cannot be read */
int cli_take_streams(const cli_command *command, void *settings, char **operands, int count);

/* Is it a path that cli_take_streams() made for an output? */
int cli_is_stream(const char *path);
/* What the user called a file: the pipe's own name for the path that stands for it. */
const char *cli_given_name(const char *path);

#endif
