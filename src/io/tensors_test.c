/* tensors_test.c - archives that PyTorch and NumPy wrote (tests/golden/make_archives.py), the real ones of ../shared/data, hostile ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/file.h"
#include "npz.h"
#include "pickle.h"
#include "tensors.h"

static const char *archive(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "tests/golden/archives/%s", name);
    return path;
}

static rf_tensors *opened(const char *path) {
    rf_tensors *tensors;
    if (rf__tensors_open(&tensors, path) != RF_OK) fail_msg("%s", rf_last_error());
    return tensors;
}

/* Entry `name` has these sizes, and number i is first + i * step. */
static void assert_ramp(const rf_tensors *tensors, const char *name, int rank, const int64_t *dim, double first, double step) {
    const rf_tensor_entry *entry = rf__tensors_find(tensors, name);
    if (!entry) fail_msg("%s is missing", name);
    float values[64];
    assert_int_equal(entry->rank, rank);
    for (int i = 0; i < rank; i++) assert_int_equal(entry->dim[i], dim[i]);
    assert_int_equal(rf__tensor_read_f32(entry, values, entry->count), RF_OK);
    for (int64_t i = 0; i < entry->count; i++) assert_true((double)values[i] == first + (double)i * step);
}

#define DIMS(...) (const int64_t[]){__VA_ARGS__}

static void check_torch(const char *file, const char *format) {
    rf_tensors *t = opened(archive(file));
    float values[24];
    assert_string_equal(rf__tensors_format(t), format);
    assert_int_equal(rf__tensors_count(t), 15);
    assert_ramp(t, "model_state_dict.weight", 2, DIMS(4, 6), 0, 1);
    assert_ramp(t, "model_state_dict.half", 1, DIMS(5), 0, 1);
    assert_ramp(t, "model_state_dict.brain", 1, DIMS(5), 0, 1);
    assert_ramp(t, "model_state_dict.wide", 1, DIMS(3), 0, 1);
    assert_ramp(t, "model_state_dict.scalar", 0, NULL, 2.5, 0);
    assert_ramp(t, "model_state_dict.parameter", 2, DIMS(2, 2), 0, 1);
    assert_ramp(t, "list.0", 1, DIMS(2), 0, 1);
    assert_ramp(t, "list.1.0", 1, DIMS(3), 0, 2);
    assert_ramp(t, "list.1.1.deep", 1, DIMS(1), 9, 0);
    /* views are gathered */
    const rf_tensor_entry *turned = rf__tensors_find(t, "model_state_dict.turned"), *part = rf__tensors_find(t, "model_state_dict.part");
    assert_int_equal(rf__tensor_read_f32(turned, values, 24), RF_OK);
    for (int i = 0; i < 24; i++) assert_true(values[i] == (float)(i % 4 * 6 + i / 4));
    assert_int_equal(rf__tensor_read_f32(part, values, 6), RF_OK);
    for (int i = 0; i < 6; i++) assert_true(values[i] == (float)((i / 3 + 1) * 6 + i % 3 + 2));
    const rf_tensor_entry *small = rf__tensors_find(t, "model_state_dict.small"), *whole = rf__tensors_find(t, "model_state_dict.whole");
    assert_true(small->type == RF_TENSOR_I8 && ((const int8_t *)small->data)[0] == -3);
    assert_true(whole->type == RF_TENSOR_I64 && whole->count == 7);
    assert_int_equal(rf__tensors_find(t, "model_state_dict.empty")->count, 0);
    assert_true(rf__tensors_find(t, "model_state_dict.flags")->type == RF_TENSOR_BOOL);
    assert_string_equal(rf__tensors_metadata(t, "epoch"), "12");
    assert_string_equal(rf__tensors_metadata(t, "lr"), "0.001");
    assert_string_equal(rf__tensors_metadata(t, "name"), "text");
    assert_string_equal(rf__tensors_metadata(t, "none"), "None");
    assert_string_equal(rf__tensors_metadata(t, "yes"), "True");
    assert_string_equal(rf__tensors_metadata(t, "big"), "1.1805916207174113e+21"); /* 2^70 */
    assert_null(rf__tensors_metadata(t, "model_state_dict.weight"));
    assert_null(rf__tensors_find(t, "epoch"));
    rf__tensors_close(&t);
}

static void torch_archives(void **state) {
    (void)state;
    check_torch("new.pt", "torch zip");
    check_torch("old.th", "torch stream");
}

static void numpy_archives(void **state) {
    (void)state;
    rf_tensors *t = opened(archive("plain.npz"));
    assert_ramp(t, "mu", 1, DIMS(3), 0, 1);
    assert_ramp(t, "sigma", 2, DIMS(3, 3), 0, 1);
    const rf_tensor_entry *pictures = rf__tensors_find(t, "arr_0");
    assert_true(pictures->type == RF_TENSOR_U8 && pictures->rank == 4 && ((const uint8_t *)pictures->data)[23] == 23);
    rf__tensors_close(&t);
    t = opened(archive("fortran.npz"));
    assert_ramp(t, "turned", 2, DIMS(2, 3), 0, 1);
    rf__tensors_close(&t);
    t = opened(archive("packed.npz"));
    assert_ramp(t, "mu", 1, DIMS(3), 0, 1);
    assert_int_equal(rf__tensors_find(t, "zeros")->count, 2500);
    rf__tensors_close(&t);
}

/* What we write we read, twice the same bytes. */
static void npz_round_trip(void **state) {
    (void)state;
    char path[] = "/tmp/strait-npz-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    double sigma[] = {1, 2, 3, 4};
    uint8_t pixel[] = {9, 8, 7}, *first, *second;
    size_t first_size, second_size;
    const rf_tensor_entry entries[] = {{"sigma", RF_TENSOR_F64, 2, {2, 2}, 4, sigma}, {"arr_0", RF_TENSOR_U8, 1, {3}, 3, pixel}};
    assert_int_equal(rf__npz_save(path, entries, 2), RF_OK);
    assert_int_equal(rf__file_read(path, 1 << 20, &first, &first_size), RF_OK);
    rf_tensors *t = opened(path);
    assert_ramp(t, "sigma", 2, DIMS(2, 2), 1, 1);
    assert_int_equal(((const uint8_t *)rf__tensors_find(t, "arr_0")->data)[1], 8);
    rf__tensors_close(&t);
    assert_int_equal(rf__npz_save(path, entries, 2), RF_OK);
    assert_int_equal(rf__file_read(path, 1 << 20, &second, &second_size), RF_OK);
    assert_true(first_size == second_size && !memcmp(first, second, first_size));
    rf__free(first);
    rf__free(second);
    remove(path);
    assert_int_equal(rf__npz_save("/nonexistent/a.npz", entries, 2), RF_EIO);
}

/* Number i is i mod 251. */
static rf_status count_up(void *self, int64_t first, int64_t count, void *out) {
    for (int64_t i = 0; i < count; i++) ((uint8_t *)out)[i] = (uint8_t)((first + i) % 251);
    *(int64_t *)self = first + count;
    return RF_OK;
}

static rf_status give_up(void *self, int64_t first, int64_t count, void *out) {
    (void)out, (void)count;
    return first > *(int64_t *)self ? rf__fail(RF_EIO, "the source ended at number %lld", (long long)first) : RF_OK;
}

/* An array that is made while it is written, and too large to be held when it is read. */
static void npz_in_pieces(void **state) {
    (void)state;
    enum { COUNT = (64 << 20) + 1000 };
    char path[] = "/tmp/strait-npz-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    int64_t made = 0;
    float labels[] = {3, 4};
    const rf_npz_array arrays[] = {{.entry = {"arr_0", RF_TENSOR_U8, 2, {COUNT / 1000, 1000}, COUNT / 1000 * 1000, NULL}, .fill = count_up, .self = &made},
                                   {.entry = {"labels", RF_TENSOR_F32, 1, {2}, 2, labels}}};
    if (rf__npz_write(path, arrays, 2) != RF_OK) fail_msg("%s", rf_last_error());
    assert_int_equal(made, COUNT / 1000 * 1000);
    rf_tensors *t = opened(path);
    const rf_tensor_entry *entry = rf__tensors_find(t, "arr_0");
    assert_true(entry && entry->dim[1] == 1000 && !entry->data);
    assert_ramp(t, "labels", 1, DIMS(2), 3, 1);
    uint8_t some[1000];
    float unused[1];
    static const int64_t places[] = {0, 1000, 5000000, 4000, COUNT / 1000 * 1000 - 1000};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        if (rf__tensors_read(t, entry, places[k], 1000, some) != RF_OK) fail_msg("%s", rf_last_error());
        for (int i = 0; i < 1000; i++) assert_int_equal(some[i], (places[k] + i) % 251);
    }
    assert_int_equal(rf__tensors_read(t, entry, entry->count - 1, 2, some), RF_EINVAL);
    assert_int_equal(rf__tensor_read_f32(entry, unused, entry->count), RF_EUNSUPPORTED);
    rf__tensors_close(&t);
    remove(path);
    rf_npz_array ends = arrays[0];
    made = 100000;
    ends.fill = give_up;
    assert_int_equal(rf__npz_write(path, &ends, 1), RF_EIO);
    assert_non_null(strstr(rf_last_error(), "the source ended"));
    assert_false(rf__file_exists(path)); /* all or nothing */
}

/* One sentence that names the file and holds `word`. */
static void assert_refused(const char *file, const char *word) {
    rf_tensors *tensors;
    rf_status status = rf__tensors_open(&tensors, archive(file));
    if (status == RF_OK) fail_msg("%s was read", file);
    assert_null(tensors);
    if (!strstr(rf_last_error(), file) || !strstr(rf_last_error(), word)) fail_msg("no '%s' in: %s", word, rf_last_error());
}

static void hostile_archives(void **state) {
    (void)state;
    remove("/tmp/strait-was-here");
    assert_refused("calls.pt", "posix.system");
    assert_refused("calls.th", "posix.system");
    assert_false(rf__file_exists("/tmp/strait-was-here"));
    assert_refused("missing_storage.pt", "data/0 is missing");
    assert_refused("short_storage.pt", "expected 24 numbers");
    assert_refused("cut_pickle.pt", "pickle");
    assert_refused("deep.pt", "nest deeper");
    assert_refused("billion_lists.pt", "hold too much");
    assert_refused("memo.pt", "remembers");
    assert_refused("bomb.npz", "expected 99999999999 numbers");
    assert_refused("cut.th", "truncated");
    assert_refused("zeros.pt", "64 times its size");
    assert_refused("twice.pt", "two tensors called a.b");
    assert_refused("big_endian.pt", "byte order");
    assert_refused("billion_lists.th", "belongs to no tensor");
    assert_refused("../make_archives.py", "none of the formats");
}

static rf_status read_pickle(const char *bytes, size_t size) {
    rf_arena *arena = rf__arena_create();
    const rf_pickle *value;
    size_t used;
    rf_status status = rf__pickle_read(&value, arena, (const uint8_t *)bytes, size, &used, NULL);
    rf__arena_free(&arena);
    return status;
}
#define PICKLE(text) read_pickle(text, sizeof text - 1)

static void broken_pickles(void **state) {
    (void)state;
    assert_int_equal(PICKLE("\x80\x02K\x05."), RF_OK);
    assert_int_equal(PICKLE(""), RF_EFORMAT);
    assert_int_equal(PICKLE("\x80\x02."), RF_EFORMAT);           /* nothing to return */
    assert_int_equal(PICKLE("\x80\x02(."), RF_EFORMAT);          /* a mark is no value */
    assert_int_equal(PICKLE("\x80\x02(K\x01\x85."), RF_OK);      /* a tuple above a mark */
    assert_int_equal(PICKLE("\x80\x02(\x86."), RF_EFORMAT);      /* a tuple of a mark */
    assert_int_equal(PICKLE("\x80\x02K\x01K\x02s."), RF_EFORMAT); /* no dictionary */
    assert_int_equal(PICKLE("\x80\x02}(K\x01u."), RF_EFORMAT);   /* a key without a value */
    assert_int_equal(PICKLE("\x80\x02X\xff\xff\xff\xff."), RF_EFORMAT);
    assert_int_equal(PICKLE("\x80\x02h\x05."), RF_EFORMAT);
    assert_int_equal(PICKLE("\x80\x02i"), RF_EFORMAT);           /* INST, an instruction that calls */
    assert_int_equal(PICKLE("\x80\x02""cbuiltins\neval\n."), RF_EFORMAT);
    assert_int_equal(PICKLE("\x80\x02""ctorch\nFloatStorage\n)R."), RF_EFORMAT);
}

/* Two layers in ncnn's form: a convolution in half precision with a bias and padding behind its nine numbers, a linear layer in single. */
#define NCNN_LIST                                                                                                                     \
    "7767517\n4 4\nInput data 0 1 data 0=5\nConvolution c/1 1 1 data c 0=3 1=3 11=1 5=1 6=9 9=1\nReLU r 1 1 c r\n"                       \
    "InnerProduct fc 1 1 r fc 0=2 1=0 2=4\n"

static rf_status parse_ncnn(rf_tensors **out, const char *list, const void *bytes, size_t size) {
    return rf__tensors_parse_ncnn(out, list, strlen(list), bytes, size, "net.bin");
}

static void ncnn_archives(void **state) {
    (void)state;
    uint8_t bytes[4 + 20 + 12 + 4 + 16] = {0x47, 0x6b, 0x30, 0x01};
    const uint16_t halves[] = {0x0000, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x4700, 0x4800}; /* 0 .. 8 */
    const float bias[] = {5, 6, 7}, fc[] = {1, 3, 5, 7};
    memcpy(bytes + 4, halves, sizeof halves);
    memcpy(bytes + 24, bias, sizeof bias);
    memcpy(bytes + 40, fc, sizeof fc);
    rf_tensors *t;
    if (parse_ncnn(&t, NCNN_LIST, bytes, sizeof bytes) != RF_OK) fail_msg("%s", rf_last_error());
    assert_int_equal(rf__tensors_count(t), 3);
    assert_ramp(t, "c/1.weight", 4, DIMS(3, 1, 1, 3), 0, 1);
    assert_ramp(t, "c/1.bias", 1, DIMS(3), 5, 1);
    assert_ramp(t, "fc.weight", 2, DIMS(2, 2), 1, 2);
    rf__tensors_close(&t);
    for (size_t size = 0; size < sizeof bytes; size++) { /* cut anywhere */
        uint8_t *part = malloc(size + 1);
        memcpy(part, bytes, size);
        assert_int_equal(parse_ncnn(&t, NCNN_LIST, part, size), RF_EFORMAT);
        assert_null(t);
        free(part);
    }
    assert_int_equal(parse_ncnn(&t, NCNN_LIST "InnerProduct more 1 1 r m 0=1 2=1\n", bytes, sizeof bytes), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "more"));
    assert_int_equal(parse_ncnn(&t, "7767517\n1 1\nConvolution c 1 1 a b 0=3 1=2 6=9\n", bytes, sizeof bytes), RF_EFORMAT);
    assert_int_equal(parse_ncnn(&t, "7767517\n1 1\nLSTM l 1 1 a b 0=3\n", bytes, sizeof bytes), RF_EUNSUPPORTED);
    assert_int_equal(parse_ncnn(&t, "7767517\n1 1\nInput i 0 1 a\n", bytes, sizeof bytes), RF_EFORMAT); /* numbers left over */
    assert_int_equal(parse_ncnn(&t, "hello", bytes, sizeof bytes), RF_EFORMAT);
    bytes[0] = 1; /* a table of 256 values */
    assert_int_equal(parse_ncnn(&t, NCNN_LIST, bytes, sizeof bytes), RF_EFORMAT);
}

static void real_archives(void **state) {
    (void)state;
    const char *shared = getenv("STRAIT_SHARED");
    static const struct { const char *path; int count; const char *name; int64_t numbers; } files[] = {
        {"cifar10-resnet/resnet20-12fca82f.th", 0, "state_dict.module.conv1.weight", 432},
        {"cifar10-resnet/resnet56-4bfd9763.th", 0, "state_dict.module.linear.weight", 640},
        {"lpips-heads/vgg.pth", 5, "lin4.model.1.weight", 512},
        {"mnist-flow-vit/DiffusionViT.pth", 0, "pos_embed", 1024},
        {"mnist-flow-unet/unet.pt", 0, NULL, 0},
        {"mnist-flow-unet/vae.pt", 0, NULL, 0},
        {"taesd-sd15-int8/tinyvae_int8.pth", 0, NULL, 0},
        {"squeezenet-v1.1-fp16/squeezenet_v1.1.bin", 52, "fire9/expand3x3.weight", 147456},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/data/weights/%s", shared ? shared : "../shared", files[i].path);
        if (!rf__file_exists(path)) {
            print_message("%s is not here: skipped\n", path);
            continue;
        }
        rf_tensors *t = opened(path);
        assert_true(files[i].count ? rf__tensors_count(t) == files[i].count : rf__tensors_count(t) > 10);
        if (files[i].name && (!rf__tensors_find(t, files[i].name) || rf__tensors_find(t, files[i].name)->count != files[i].numbers))
            fail_msg("%s: %s is not there with %lld numbers", path, files[i].name, (long long)files[i].numbers);
        rf__tensors_close(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(torch_archives), cmocka_unit_test(numpy_archives), cmocka_unit_test(npz_round_trip), cmocka_unit_test(npz_in_pieces),
        cmocka_unit_test(hostile_archives), cmocka_unit_test(broken_pickles), cmocka_unit_test(ncnn_archives),
        cmocka_unit_test(real_archives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
