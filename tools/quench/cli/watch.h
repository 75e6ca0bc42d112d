/* cli/watch.h - the user at the other end of a long job: shows how far it is, and hears Ctrl-C. */
#ifndef QUENCH_CLI_WATCH_H
#define QUENCH_CLI_WATCH_H

#include "cli/cli.h"

typedef struct cli_watch {
    double start_ms;
    char phase[40];  /* the one that is going on; "": none yet */
    double phase_ms; /* when it began */
    int percent;     /* of it, as shown last; -1: nothing of it was shown */
    int is_shown;    /* something was */
} cli_watch;

/* From here on Ctrl-C, a polite kill and a terminal that closes no longer end the program but are what
 * cli_watch_is_cancelled answers. */
void cli_watch_begin(cli_watch *watch);
/* The callbacks of qn_build_options and qn_calibrator_options; `self` is the watch. Phases
   shorter than half a second show nothing; others show the time they have left. */
void cli_watch_progress(void *self, const char *phase, double fraction);
int cli_watch_is_cancelled(void *self);
/* CANCELLED once Ctrl-C was heard: for work without callbacks to ask between its pieces, none of which is a part of a
 * file. */
qn_status *cli_watch_check(void) QN_MUST_USE;
/* Ends what is shown; signals do again what they did. */
void cli_watch_end(cli_watch *watch);

#endif
