/* scratch.h - for tests only: a folder that lives as long as a group of tests, and short ways to fill it. */
#ifndef RF_IO_SCRATCH_H
#define RF_IO_SCRATCH_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"

static char scratch_folder[64];

static inline int scratch_make(void **state) {
    (void)state;
    strcpy(scratch_folder, "/tmp/strait-io-XXXXXX");
    return mkdtemp(scratch_folder) ? 0 : -1;
}

static inline int scratch_remove(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", scratch_folder);
    return system(command);
}

/* A path in the folder; good for the next seven calls. */
static inline const char *scratch_path(const char *name) {
    static char paths[8][512];
    static int turn;
    turn = (turn + 1) % 8;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", scratch_folder, name);
    return paths[turn];
}

/* Write a file of the folder and return its path. */
static inline const char *scratch_write(const char *name, const void *bytes, size_t size) {
    const char *path = scratch_path(name);
    if (rf__file_write(path, bytes, size) != RF_OK) abort();
    return path;
}

/* The newest sentence holds `part`. */
static inline int said(const char *part) {
    if (strstr(rf_last_error(), part)) return 1;
    fprintf(stderr, "the sentence is \"%s\", expected \"%s\" in it\n", rf_last_error(), part);
    return 0;
}

#endif
