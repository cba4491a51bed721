/* edit_region.h - the marks of an edit inside and outside of a region, which the source decides and not the edit. */
#ifndef RF_CLI_EDIT_REGION_H
#define RF_CLI_EDIT_REGION_H
#include "../eval/region.h"
#include "edit_run.h"

typedef struct rf_edit_region {
    const char *how; /* borrowed; a region by name, or a picture */
    float *inside;   /* [count of pictures, height, width] in 0 .. 1 */
    double share;    /* of the pixels, the mean over the pictures */
    rf_paired marks[2]; /* outside, inside */
} rf_edit_region;

/* Regions of all pictures of the run. how: of rf__regions, or a PNG of the model's size, white is inside. judge: borrowed, may be NULL. */
rf_status rf__edit_region_open(rf_edit_region *region, const rf_edit_run *run, const char *how, rf_features *judge);
void rf__edit_region_close(rf_edit_region *region);
/* How far the edits are from the sources in either part. The learned distance is that of the source with one part of the edit pasted in. */
rf_status rf__edit_region_compare(rf_edit_region *region, const rf_edit_run *run, rf_perceptual *perceptual);
/* {region, share, inside, outside}; new reference. lpips: as in rf__paired_json. */
json_t *rf__edit_region_json(const rf_edit_region *region, const char *lpips);
/* x [height, width, channels] with what lies outside of picture k's region faded, to look at. */
void rf__edit_region_show(const rf_edit_region *region, const rf_edit_run *run, int64_t k, float *x);

#endif
