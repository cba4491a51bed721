/* embed.c - libstrait inside another program: one picture a class, written as PGM or PPM.
 *
 *   make install PREFIX=$HOME/.local
 *   cc examples/embed.c $(pkg-config --cflags --libs strait) -o embed         (or against build/: see docs/embed.md)
 *   ./embed models/fashion-rf.safetensors pictures
 *
 * The library never prints or exits: every failure is a status, and rf_last_error() has the sentence. */
#include <stdio.h>
#include <stdlib.h>
#include <strait.h>

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, rf_last_error());
    return 1;
}

static void write_picture(const char *folder, int k, const rf_model_info *info, const float *x) {
    char path[4096];
    int channels = info->channels == 3 ? 3 : 1;
    snprintf(path, sizeof path, "%s/class-%d.%s", folder, k, channels == 3 ? "ppm" : "pgm");
    FILE *file = fopen(path, "wb");
    if (!file) return perror(path);
    fprintf(file, "P%d\n%d %d\n255\n", channels == 3 ? 6 : 5, info->width, info->height);
    for (int i = 0; i < info->width * info->height * channels; i++) {
        float level = (x[i] + 1) * 127.5f; /* pictures are in [-1, 1], and a little outside */
        fputc(level < 0 ? 0 : level > 255 ? 255 : (int)(level + 0.5f), file);
    }
    fclose(file);
}

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: embed MODEL.safetensors FOLDER\n"), 2;
    rf_model *model = NULL;
    if (rf_model_open(&model, argv[1]) != RF_OK) return fail(argv[1]);
    rf_model_info info = rf_model_describe(model);
    int count = info.classes ? info.classes : 1;

    rf_sampler_opts sampler_opts;
    rf_default_sampler_opts(&sampler_opts);
    sampler_opts.dtype = RF_BF16;
    rf_sampler *sampler = NULL;
    if (rf_sampler_open(&sampler, model, &sampler_opts) != RF_OK) return fail("sampler");

    int32_t *labels = malloc((size_t)count * sizeof *labels);
    float *images = malloc((size_t)count * (size_t)(info.height * info.width * info.channels) * sizeof *images);
    if (!labels || !images) return fprintf(stderr, "out of memory\n"), 1;
    for (int k = 0; k < count; k++) labels[k] = info.classes ? k : -1;

    rf_sample_opts opts;
    rf_default_sample_opts(&opts);
    opts.solver = "ab2"; /* second order at one network call a step */
    opts.steps = 12;
    opts.cfg_scale = info.classes ? 1.5 : 1;
    opts.seed = 42; /* picture k depends on seed + k, its class and the settings, on nothing else */
    opts.count = count;
    opts.labels = labels;
    if (rf_sample(sampler, &opts, images) != RF_OK) return fail("sampling");
    for (int k = 0; k < count; k++) write_picture(argv[2], k, &info, images + (size_t)k * (size_t)(info.height * info.width * info.channels));

    free(images);
    free(labels);
    rf_sampler_close(&sampler);
    rf_model_close(&model);
    return 0;
}
