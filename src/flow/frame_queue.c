/* frame_queue.c - a ring under one lock. */
#include "frame_queue.h"

#include <pthread.h>
#include <string.h>

#include "../base/memory.h"
#include "../base/table.h"

struct rf_frame_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    rf_when_full when_full;
    size_t bytes;
    int room, head, count;
    bool closed;
    int64_t dropped;
    char *frames;       /* [room, bytes] */
    rf_frame_tag *tags; /* [room] */
};

static const rf_drop_policy
    wait_policy = {"none", "the input waits: no frame is lost, and a camera would fall behind", RF_FULL_WAIT},
    oldest = {"oldest", "the frame that has waited longest goes: what comes out is recent", RF_FULL_DROP_OLDEST},
    newest = {"newest", "the frame that comes goes: what has been accepted is served", RF_FULL_DROP_NEWEST};
static const rf_drop_policy *const policies[] = {&wait_policy, &oldest, &newest, NULL};

const rf_drop_policy *const *rf__drop_policies(void) { return policies; }

const rf_drop_policy *rf__drop_policy_find(const char *name) { RF_TABLE_FIND(policies, "drop policy", name); }

rf_status rf__frame_queue_create(rf_frame_queue **out, int frames, size_t bytes, rf_when_full when_full) {
    *out = NULL;
    rf_frame_queue *queue = rf__alloc(sizeof *queue);
    if (!queue) return rf__fail(RF_ENOMEM, "no memory for a queue of frames");
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    queue->when_full = when_full;
    queue->bytes = bytes;
    queue->room = frames;
    queue->frames = rf__alloc_array((size_t)frames, bytes);
    queue->tags = rf__alloc_array((size_t)frames, sizeof *queue->tags);
    if (!queue->frames || !queue->tags) {
        rf__frame_queue_free(&queue);
        return rf__fail(RF_ENOMEM, "no memory for a queue of %d frames of %zu bytes", frames, bytes);
    }
    *out = queue;
    return RF_OK;
}

void rf__frame_queue_free(rf_frame_queue **queue) {
    rf_frame_queue *dead = *queue;
    if (!dead) return;
    pthread_mutex_destroy(&dead->lock);
    pthread_cond_destroy(&dead->changed);
    rf__free(dead->frames);
    rf__free(dead->tags);
    rf__free(dead);
    *queue = NULL;
}

static void drop_oldest(rf_frame_queue *queue) {
    queue->head = (queue->head + 1) % queue->room;
    queue->count--;
    queue->dropped++;
}

bool rf__frame_queue_push(rf_frame_queue *queue, const void *frame, rf_frame_tag tag) {
    pthread_mutex_lock(&queue->lock);
    while (queue->when_full == RF_FULL_WAIT && queue->count == queue->room && !queue->closed)
        pthread_cond_wait(&queue->changed, &queue->lock);
    bool open = !queue->closed;
    if (open && queue->count == queue->room && queue->when_full == RF_FULL_DROP_OLDEST) drop_oldest(queue);
    if (open && queue->count == queue->room) {
        queue->dropped++;
    } else if (open) {
        int at = (queue->head + queue->count++) % queue->room;
        memcpy(queue->frames + (size_t)at * queue->bytes, frame, queue->bytes);
        queue->tags[at] = tag;
        pthread_cond_broadcast(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return open;
}

rf_pop rf__frame_queue_pop(rf_frame_queue *queue, bool wait, void *frame, rf_frame_tag *tag) {
    pthread_mutex_lock(&queue->lock);
    while (wait && queue->count == 0 && !queue->closed) pthread_cond_wait(&queue->changed, &queue->lock);
    rf_pop result = queue->count ? RF_POP_FRAME : queue->closed ? RF_POP_ENDED : RF_POP_EMPTY;
    if (result == RF_POP_FRAME) {
        memcpy(frame, queue->frames + (size_t)queue->head * queue->bytes, queue->bytes);
        *tag = queue->tags[queue->head];
        queue->head = (queue->head + 1) % queue->room;
        queue->count--;
        pthread_cond_broadcast(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return result;
}

static void close_queue(rf_frame_queue *queue, bool forget) {
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    if (forget) queue->count = 0;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

void rf__frame_queue_close(rf_frame_queue *queue) { close_queue(queue, false); }
void rf__frame_queue_abandon(rf_frame_queue *queue) { close_queue(queue, true); }

int64_t rf__frame_queue_dropped(rf_frame_queue *queue) {
    pthread_mutex_lock(&queue->lock);
    int64_t dropped = queue->dropped;
    pthread_mutex_unlock(&queue->lock);
    return dropped;
}
