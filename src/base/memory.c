/* memory.c - aligned blocks and the bump arena. */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define ALIGN ((size_t)64)
#define SIZE_LIMIT ((size_t)1 << 46)

void *rf__alloc(size_t size) {
    if (size == 0 || size > SIZE_LIMIT) return NULL;
    size_t whole = (size + ALIGN - 1) / ALIGN * ALIGN;
    void *pointer = aligned_alloc(ALIGN, whole);
    if (pointer) memset(pointer, 0, whole);
    return pointer;
}

void *rf__alloc_array(size_t count, size_t size) {
    size_t whole;
    if (__builtin_mul_overflow(count, size, &whole)) return NULL;
    return rf__alloc(whole);
}

void rf__free(void *pointer) { free(pointer); }

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
    if (size > SIZE_LIMIT) return NULL;
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
