/* frame_queue.h - a bounded line of frames between two threads. What happens when it is full is a table entry. */
#ifndef RF_FLOW_FRAME_QUEUE_H
#define RF_FLOW_FRAME_QUEUE_H
#include "../base/status.h"

typedef struct rf_frame_queue rf_frame_queue;

typedef enum rf_when_full { RF_FULL_WAIT, RF_FULL_DROP_OLDEST, RF_FULL_DROP_NEWEST } rf_when_full;

typedef struct rf_drop_policy {
    const char *name, *help;
    rf_when_full when_full;
} rf_drop_policy;

const rf_drop_policy *const *rf__drop_policies(void);         /* NULL-terminated; the first is the default */
const rf_drop_policy *rf__drop_policy_find(const char *name); /* NULL and a sentence listing the names */

/* What travels with a frame. */
typedef struct rf_frame_tag {
    int64_t index;  /* of the input */
    double arrived; /* monotonic seconds when it was complete */
} rf_frame_tag;

/* Room for `frames` frames of `bytes` bytes, all allocated now. */
rf_status rf__frame_queue_create(rf_frame_queue **out, int frames, size_t bytes, rf_when_full when_full);
void rf__frame_queue_free(rf_frame_queue **queue); /* nobody uses it any more */

/* Copies the frame. False when the queue is closed. Waits, or drops, when it is full. */
bool rf__frame_queue_push(rf_frame_queue *queue, const void *frame, rf_frame_tag tag);
typedef enum rf_pop { RF_POP_FRAME, RF_POP_EMPTY, RF_POP_ENDED } rf_pop;
/* The oldest frame, copied out. Empty: waits for one when `wait`. Ended: closed, and nothing is left. */
rf_pop rf__frame_queue_pop(rf_frame_queue *queue, bool wait, void *frame, rf_frame_tag *tag);
/* No more frames will be pushed; those inside can still be taken. Wakes everybody. */
void rf__frame_queue_close(rf_frame_queue *queue);
/* Closes, and forgets what is inside: the other side is gone. */
void rf__frame_queue_abandon(rf_frame_queue *queue);
int64_t rf__frame_queue_dropped(rf_frame_queue *queue);

#endif
