/* progress.c - the live line: what, bar, done/total, rate, ETA, note. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define REDRAW_SECONDS 0.1 /* on a terminal */
#define LINE_SECONDS 30.0  /* in a log file */
#define BAR 24

double rf__now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void duration(double seconds, char out[16]) {
    int s = seconds > 359999 ? 359999 : (int)(seconds + 0.5);
    if (s >= 3600) snprintf(out, 16, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    else snprintf(out, 16, "%d:%02d", s / 60, s % 60);
}

static void draw(const rf_progress *p, double now, const char *note, const char *start, const char *end) {
    char bar[BAR + 1], eta[16] = "--", spent[16];
    int64_t here = p->done - p->first_done;
    double elapsed = now - p->started;
    if (p->total <= 0 || p->done > p->total) { /* nobody knows how much there will be, or who said so was wrong */
        duration(elapsed, spent);
        fprintf(stderr, "%s%s %lld  %s  %s%s", start, p->what, (long long)p->done, spent, note ? note : "", end);
        fflush(stderr);
        return;
    }
    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)(p->done * BAR / p->total));
    bar[BAR] = 0;
    if (here > 0) duration(elapsed / (double)here * (double)(p->total - p->done), eta);
    duration(elapsed, spent);
    fprintf(stderr, "%s%s [%s] %lld/%lld  %s, ETA %s  %s%s", start, p->what, bar, (long long)p->done, (long long)p->total, spent, eta,
            note ? note : "", end);
    fflush(stderr);
}

void rf__progress_start(rf_progress *progress, const char *what, int64_t total, int64_t first_done) {
    double now = rf__now();
    *progress = (rf_progress){what, total, first_done, now, now, first_done};
}

void rf__progress_update(rf_progress *progress, int64_t done, const char *note) {
    progress->done = done;
    if (rf__log_get_level() < RF_LOG_INFO) return;
    double now = rf__now();
    int live = isatty(STDERR_FILENO);
    if (now - progress->shown < (live ? REDRAW_SECONDS : LINE_SECONDS)) return;
    progress->shown = now;
    draw(progress, now, note, live ? "\r\033[K" : "", live ? "" : "\n");
    rf__log_live_line = live;
}

void rf__progress_finish(rf_progress *progress, const char *note) {
    if (rf__log_get_level() < RF_LOG_INFO) return;
    draw(progress, rf__now(), note, isatty(STDERR_FILENO) ? "\r\033[K" : "", "\n");
    rf__log_live_line = 0;
}
