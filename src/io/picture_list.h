/* picture_list.h - the PNG and JPEG files of a folder. Sub-folders, in alphabetic order, are classes; without any, the folder itself is one
 * set without labels. */
#ifndef RF_IO_PICTURE_LIST_H
#define RF_IO_PICTURE_LIST_H
#include "../base/status.h"

typedef struct rf_picture_list {
    int64_t count, room;
    char **path;     /* by name, class after class */
    int32_t *label;  /* [count]; 0 without classes */
    int classes;
    char **names;    /* [classes], NULL-terminated */
} rf_picture_list;

/* list: zero before. errors: not a folder, no pictures, too many; list is then empty. */
rf_status rf__picture_list_read(rf_picture_list *list, const char *directory);
void rf__picture_list_fini(rf_picture_list *list);

#endif
