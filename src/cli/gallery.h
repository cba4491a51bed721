/* gallery.h - takes finished images and writes them: one file each, or one grid. Every file is complete or
 * absent. */
#ifndef RF_CLI_GALLERY_H
#define RF_CLI_GALLERY_H
#include "picture.h"
#include "shoot.h"
#include "stamp.h"

typedef struct rf_gallery {
    const rf_sampler *sampler;
    const rf_order *orders;
    const char *model_path, *refiner_path; /* for the metadata; refiner_path NULL: none */
    const char *requests_path, *report_path; /* NULL: none */
    const char *pattern;    /* of orders without an output of their own; numbered through the run */
    int columns;            /* > 0: all images of orders[0] in one grid */
    int zoom;
    bool plain;     /* no metadata */
    json_t *images; /* report: an array to which one object an image is added; NULL: none */
    rf_image grid;  /* private */
} rf_gallery;

/* Make folders, check names and allocate the grid, before any work. total: images of the run. */
rf_status rf__gallery_open(rf_gallery *gallery, int order_count, int64_t total);
/* The callback of rf__shoot; user is the gallery. */
rf_status rf__gallery_take(void *user, const rf_shot *shot);
/* Write the grid, if there is one. */
rf_status rf__gallery_finish(rf_gallery *gallery);
void rf__gallery_close(rf_gallery *gallery);

/* The PNG file of a picture; *bytes: free with free. stamp NULL: no metadata. */
rf_status rf__gallery_encode(const rf_image *picture, const rf_stamp *stamp, uint8_t **bytes, size_t *size);

#endif
