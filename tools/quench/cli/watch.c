#include "cli/watch.h"

#include "cli/measure.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SILENT_MS = 500 };

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNAL_COUNT = sizeof signals / sizeof *signals };
static struct sigaction former[SIGNAL_COUNT];
static volatile sig_atomic_t is_interrupted;

static void hear(int number) { (void)number, is_interrupted = 1; }

void cli_watch_begin(cli_watch *watch) {
    *watch = (cli_watch){.start_ms = cli_now_ms(), .percent = -1};
    struct sigaction action = {.sa_handler = hear, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    is_interrupted = 0;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(signals[i], NULL, &former[i]);
        if (former[i].sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL); /* nohup keeps what it asked for */
    }
}

int cli_watch_is_cancelled(void *self) { return (void)self, is_interrupted; }

qn_status *cli_watch_check(void) { return is_interrupted ? qn_status_create(QN_CANCELLED, "cancelled") : NULL; }

/* ", 12 s left", or nothing where that cannot be told yet; `text` has 32 bytes. */
static const char *time_left(const cli_watch *watch, double fraction, char *text) {
    const double elapsed_ms = cli_now_ms() - watch->phase_ms;
    *text = 0;
    if (elapsed_ms >= SILENT_MS && fraction >= 0.03 && fraction < 1) {
        const double left = 1e-3 * elapsed_ms * (1 - fraction) / fraction;
        if (left < 1) return text;
        if (left < 90)
            snprintf(text, 32, ", %.0f s left", left);
        else
            snprintf(text, 32, ", %.0f min left", left / 60);
    }
    return text;
}

void cli_watch_progress(void *self, const char *phase, double fraction) {
    cli_watch *watch = self;
    char left[32];
    const int percent = fraction < 0 ? 0 : (int)(fraction * 100), is_terminal = cli_is_terminal(0);
    if (strncmp(watch->phase, phase, sizeof watch->phase - 1)) {
        snprintf(watch->phase, sizeof watch->phase, "%s", phase);
        watch->phase_ms = cli_now_ms();
        watch->percent = -1;
    }
    const int step = is_terminal ? 1 : 10;
    if (cli_now_ms() - watch->phase_ms < SILENT_MS) return;
    if (watch->percent >= 0 && percent / step == watch->percent / step) return;
    watch->percent = percent;
    watch->is_shown = 1;
    time_left(watch, fraction, left);
    if (is_terminal)
        cli_show_bar(watch->phase, percent, left);
    else if (fraction < 0)
        cli_note("%s", watch->phase);
    else
        cli_note("%s: %d %%%s", watch->phase, percent / step * step, left);
}

void cli_watch_end(cli_watch *watch) {
    if (watch->is_shown && cli_is_terminal(0)) cli_show_bar("done", 100, "");
    for (int i = 0; i < SIGNAL_COUNT; i++) sigaction(signals[i], &former[i], NULL);
}
