/* memory.h - 64-byte aligned allocation, and a bump arena for things that die together. */
#ifndef RF_BASE_MEMORY_H
#define RF_BASE_MEMORY_H
#include <stddef.h>
#include <stdint.h>

/* 64-byte aligned and zero-filled, or NULL (also when size is 0 or absurd). Free with rf__free. */
void *rf__alloc(size_t size);
/* As rf__alloc(count * size) with the overflow checked. */
void *rf__alloc_array(size_t count, size_t size);
void rf__free(void *pointer); /* NULL is fine */
/* Bytes that can still be taken without swapping: what the system says, at most what its control group leaves, and at most STRAIT_MEMORY_MB
 * megabytes where that is set. 0: not known. */
size_t rf__memory_available(void);

typedef struct rf_arena rf_arena;                /* blocks grow as needed; not thread-safe */
rf_arena *rf__arena_create(void);                /* NULL when out of memory */
void rf__arena_free(rf_arena **arena);           /* NULL-safe, clears *arena */
void *rf__arena_alloc(rf_arena *arena, size_t size); /* zero-filled, 64-byte aligned, or NULL */
char *rf__arena_strdup(rf_arena *arena, const char *text);

#endif
