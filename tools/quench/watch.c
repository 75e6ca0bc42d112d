#include "watch.h"

#include "measure.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SILENT_MS = 500 };

static const int signals[] = {SIGINT, SIGTERM};
static struct sigaction former[2];
static volatile sig_atomic_t is_interrupted;

static void hear(int number) { (void)number, is_interrupted = 1; }

void cli_watch_begin(cli_watch *watch) {
    *watch = (cli_watch){.start_ms = cli_now_ms()};
    struct sigaction action = {.sa_handler = hear, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    is_interrupted = 0;
    for (int i = 0; i < 2; i++) {
        sigaction(signals[i], NULL, &former[i]);
        if (former[i].sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL); /* nohup keeps what it asked for */
    }
}

int cli_watch_is_cancelled(void *self) { return (void)self, is_interrupted; }

void cli_watch_progress(void *self, const char *phase, double fraction) {
    cli_watch *watch = self;
    char title[32];
    int tenth = (int)(fraction * 10);
    if (cli_now_ms() - watch->start_ms < SILENT_MS) return;
    if (watch->phase && !strcmp(watch->phase, phase) && tenth == watch->tenth) return;
    watch->phase = phase;
    watch->tenth = tenth;
    if (isatty(STDERR_FILENO)) { /* one bar for all phases: it is full when the job ends */
        snprintf(title, sizeof title, "%-9s", phase);
        cli_progress(title, (size_t)(fraction * 99), 100);
    } else {
        cli_note("%s: %d %%", phase, tenth * 10);
    }
}

void cli_watch_end(cli_watch *watch) {
    if (watch->phase && isatty(STDERR_FILENO)) cli_progress("done     ", 100, 100);
    for (int i = 0; i < 2; i++) sigaction(signals[i], &former[i], NULL);
}
