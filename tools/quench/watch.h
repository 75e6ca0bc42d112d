/* watch.h - the user at the other end of a long job: shows how far it is, and hears Ctrl-C. */
#ifndef WATCH_H
#define WATCH_H

#include "cli.h"

typedef struct cli_watch {
    double start_ms;
    const char *phase; /* shown last, a word of the library; NULL: nothing was shown */
    int tenth;
} cli_watch;

/* From here on Ctrl-C and a polite kill no longer end the program but are what cli_watch_is_cancelled answers. */
void cli_watch_begin(cli_watch *watch);
/* The callbacks of qn_build_options; `self` is the watch. Jobs shorter than half a second show nothing. */
void cli_watch_progress(void *self, const char *phase, double fraction);
int cli_watch_is_cancelled(void *self);
/* Ends what is shown; signals do again what they did. */
void cli_watch_end(cli_watch *watch);

#endif
