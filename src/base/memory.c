/* memory.c - aligned blocks and the bump arena. */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGN ((size_t)64)
#define HUGE_PAGE ((size_t)2 << 20)
#define SIZE_LIMIT ((size_t)1 << 46)

void *rf__alloc(size_t size) {
    if (size == 0 || size > SIZE_LIMIT) return NULL;
    /* Large buffers lie on huge pages where the system grants them: fewer TLB misses in kernels that stream. */
    size_t align = size >= 2 * HUGE_PAGE ? HUGE_PAGE : ALIGN;
    size_t whole = (size + align - 1) / align * align;
    void *pointer = aligned_alloc(align, whole);
    if (!pointer) return NULL;
    if (align == HUGE_PAGE) (void)madvise(pointer, whole, MADV_HUGEPAGE); /* a wish; a refusal costs nothing */
    /* Written even where the system would hand out zero pages: the first real write then faults no more. */
    memset(pointer, 0, size);
    return pointer;
}

void *rf__alloc_array(size_t count, size_t size) {
    size_t whole;
    if (__builtin_mul_overflow(count, size, &whole)) return NULL;
    return rf__alloc(whole);
}

void rf__free(void *pointer) { free(pointer); }

/* The first number of a file, or of its line that starts with `key`; -1: there is none. */
static double number_in(const char *path, const char *key) {
    FILE *file = fopen(path, "r");
    char line[256];
    double found = -1;
    size_t length = key ? strlen(key) : 0;
    while (file && found < 0 && fgets(line, sizeof line, file))
        if (!key || strncmp(line, key, length) == 0)
            if (sscanf(line + length, "%lf", &found) != 1) found = -1;
    if (file) fclose(file);
    return found;
}

size_t rf__memory_available(void) {
    double there = number_in("/proc/meminfo", "MemAvailable:") * 1024;
    double most = number_in("/sys/fs/cgroup/memory.max", NULL), used = number_in("/sys/fs/cgroup/memory.current", NULL);
    const char *asked = getenv("STRAIT_MEMORY_MB");
    if (there < 0) there = 0;
    if (most >= 0 && used >= 0 && (there == 0 || most - used < there)) there = most > used ? most - used : 1;
    if (asked && atof(asked) > 0 && (there == 0 || atof(asked) * 1e6 < there)) there = atof(asked) * 1e6;
    return (size_t)there;
}

/* ---- arena ---- */

#define BLOCK_SIZE ((size_t)64 << 10)

typedef struct block {
    struct block *next;
    size_t used, size; /* of the bytes that follow the header, which takes one alignment unit */
} block;

struct rf_arena {
    block *blocks; /* newest first; only the newest has room */
};

rf_arena *rf__arena_create(void) { return calloc(1, sizeof(rf_arena)); }

void rf__arena_free(rf_arena **arena) {
    if (!arena || !*arena) return;
    for (block *b = (*arena)->blocks, *next; b; b = next) {
        next = b->next;
        rf__free(b);
    }
    free(*arena);
    *arena = NULL;
}

void *rf__arena_alloc(rf_arena *arena, size_t size) {
    if (size == 0 || size > SIZE_LIMIT) return NULL;
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    block *b = arena->blocks;
    if (!b || b->size - b->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        if (!(b = rf__alloc(ALIGN + room))) return NULL;
        b->size = room;
        b->next = arena->blocks;
        arena->blocks = b;
    }
    void *pointer = (char *)b + ALIGN + b->used;
    b->used += size;
    return pointer;
}

char *rf__arena_strdup(rf_arena *arena, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = rf__arena_alloc(arena, size);
    return copy ? memcpy(copy, text, size) : NULL;
}
