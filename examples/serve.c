/* serve.c - requests that come one by one and share network calls: what a server does with libstrait, reading lines instead of sockets.
 *
 *   cc examples/serve.c $(pkg-config --cflags --libs strait) -o serve        (or against build/: see docs/embed.md)
 *   printf '1 3 20\n2 7 8\n3 0 50\n' | ./serve models/fashion-rf.safetensors
 *
 * A line is "SEED CLASS STEPS". Answers come in the order in which they are ready: short walks overtake long ones, and each picture is
 * what rf_sample would make of the same line. */
#include <stdio.h>
#include <stdlib.h>
#include <strait.h>

typedef struct line {
    uint64_t seed;
    int32_t label;
    int steps;
} line;

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, rf_last_error());
    return 1;
}

static void finished(void *user, const rf_stream_result *result) {
    const rf_model_info *info = user;
    line *asked = result->user;
    if (result->status != RF_OK) {
        fprintf(stderr, "seed %llu: %s\n", (unsigned long long)asked->seed, result->sentence ? result->sentence : "cancelled");
    } else {
        double sum = 0;
        int n = info->height * info->width * info->channels;
        for (int i = 0; i < n; i++) sum += (double)result->image[i];
        printf("seed %llu class %d steps %d: mean %.4f, %lld network answers\n", (unsigned long long)asked->seed, asked->label, asked->steps, sum / n,
               (long long)result->answers);
    }
    free(asked);
}

/* The next line becomes a request; false: there is none. */
static bool take(rf_stream *stream) {
    line *asked = malloc(sizeof *asked);
    unsigned long long seed;
    if (!asked || scanf("%llu %d %d", &seed, &asked->label, &asked->steps) != 3) return free(asked), false;
    asked->seed = seed;
    rf_sample_opts opts;
    rf_default_sample_opts(&opts);
    opts.solver = "ab2";
    opts.steps = asked->steps;
    opts.seed = asked->seed;
    opts.labels = &asked->label;
    opts.user = asked;
    if (rf_stream_submit(stream, &opts, 0, NULL) == RF_OK) return true;
    fprintf(stderr, "seed %llu: %s\n", seed, rf_last_error()); /* a wrong line is answered, and the next one read */
    free(asked);
    return true;
}

int main(int argc, char **argv) {
    if (argc != 2) return fprintf(stderr, "usage: serve MODEL.safetensors < LINES\n"), 2;
    rf_model *model = NULL;
    rf_sampler *sampler = NULL;
    rf_stream *stream = NULL;
    if (rf_model_open(&model, argv[1]) != RF_OK) return fail(argv[1]);
    rf_model_info info = rf_model_describe(model);
    if (rf_sampler_open(&sampler, model, NULL) != RF_OK) return fail("sampler");
    rf_stream_opts opts;
    rf_default_stream_opts(&opts);
    opts.finished = finished;
    opts.user = &info;
    if (rf_stream_open(&stream, sampler, &opts) != RF_OK) return fail("stream");
    bool busy = true, more = true;
    while (more || busy) {
        while (more && rf_stream_room(stream) > 0) more = take(stream);
        if (rf_stream_step(stream, &busy) != RF_OK) return fail("stream");
    }
    rf_stream_close(&stream);
    rf_sampler_close(&sampler);
    rf_model_close(&model);
    return 0;
}
