/* frames_test.c - frames come back as they were written; headers and sizes that are wrong are said with their place; a stop ends a read. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/rng.h"
#include "frames.h"
#include "scratch.h"

enum { W = 6, H = 4, COUNT = 5, MOST = W * H * 3 };

static void picture(int64_t k, int channels, uint8_t *out) {
    for (int i = 0; i < W * H * channels; i++) {
        uint32_t bits[4];
        rf__rng_bits(3, RF_STREAM_TOY, (uint64_t)(k * 1000 + i), bits);
        out[i] = (uint8_t)bits[0];
    }
}

static rf_frame_source_opts reading(const char *path, const char *format, int channels) {
    return (rf_frame_source_opts){.path = path, .format = format, .want = {W, H, channels, 0, 0}, .raw_channels = channels};
}

static const char *write_some(const char *name, const char *format, int channels) {
    const char *path = scratch_path(name);
    const rf_frame_info info = {W, H, channels, 30000, 1001};
    rf_frame_sink *sink = NULL;
    uint8_t pixels[MOST];
    assert_int_equal(rf__frame_sink_open(&sink, path, format, &info), RF_OK);
    for (int k = 0; k < COUNT; k++) {
        picture(k, channels, pixels);
        assert_int_equal(rf__frame_sink_put(sink, pixels), RF_OK);
    }
    assert_int_equal(rf__frame_sink_commit(&sink), RF_OK);
    assert_null(sink);
    return path;
}

/* Read what was written; most: the largest difference that the format's colours allow. */
static void read_back(const char *path, const char *format, int channels, int most) {
    rf_frame_source *source = NULL;
    const rf_frame_source_opts opts = reading(path, format, channels);
    if (rf__frame_source_open(&source, &opts) != RF_OK) fail_msg("%s", rf_last_error());
    uint8_t pixels[MOST], expected[MOST];
    bool more = true;
    for (int k = 0; k < COUNT; k++) {
        assert_int_equal(rf__frame_source_next(source, pixels, &more), RF_OK);
        assert_true(more);
        picture(k, channels, expected);
        for (int i = 0; i < W * H * channels; i++)
            if (abs(pixels[i] - expected[i]) > most) fail_msg("%s, frame %d, byte %d: %d, expected %d", format, k, i, pixels[i], expected[i]);
    }
    assert_int_equal(rf__frame_source_next(source, pixels, &more), RF_OK);
    assert_false(more);
    rf__frame_source_close(&source);
    rf__frame_source_close(&source);
}

static void frames_come_back(void **state) {
    (void)state;
    const int channels[] = {1, 3};
    for (int c = 0; c < 2; c++) {
        read_back(write_some("a.raw", "raw", channels[c]), "raw", channels[c], 0);
        read_back(write_some("folder", "folder", channels[c]), "auto", channels[c], 0);
        read_back(write_some("a.y4m", "y4m", channels[c]), "auto", channels[c], channels[c] == 1 ? 0 : 3); /* of colours 219 levels stand for 256 */
        char command[600];
        snprintf(command, sizeof command, "rm -r %s", scratch_path("folder"));
        assert_int_equal(system(command), 0);
    }
}

static void rates_are_kept(void **state) {
    (void)state;
    rf_frame_source *source = NULL;
    const rf_frame_source_opts opts = reading(write_some("r.y4m", "y4m", 1), "y4m", 1);
    assert_int_equal(rf__frame_source_open(&source, &opts), RF_OK);
    rf_frame_info info = rf__frame_source_info(source);
    assert_int_equal(info.rate, 30000);
    assert_int_equal(info.scale, 1001);
    rf__frame_source_close(&source);
}

/* ffmpeg's gray has all levels; who means fewer says so. */
static void gray_is_of_full_range(void **state) {
    (void)state;
    const char *tags[] = {"", " XCOLORRANGE=FULL", " XCOLORRANGE=LIMITED"};
    for (int i = 0; i < 3; i++) {
        char bytes[200];
        int at = snprintf(bytes, sizeof bytes, "YUV4MPEG2 W%d H%d%s Cmono\nFRAME\n", W, H, tags[i]);
        memset(bytes + at, 16, W * H), at += W * H;
        const rf_frame_source_opts opts = reading(scratch_write("gray.y4m", bytes, (size_t)at), "auto", 1);
        rf_frame_source *source = NULL;
        uint8_t pixels[MOST];
        bool more;
        assert_int_equal(rf__frame_source_open(&source, &opts), RF_OK);
        assert_int_equal(rf__frame_source_next(source, pixels, &more), RF_OK);
        assert_int_equal(pixels[0], i == 2 ? 0 : 16);
        rf__frame_source_close(&source);
    }
}

/* 4:2:0 of a flat colour, by hand: BT.601 of pure red is Y 81, Cb 90, Cr 240. */
static void colours_are_bt601(void **state) {
    (void)state;
    const char *names[] = {"C420jpeg", "C422", "C444", "C411", ""};
    const size_t planes[] = {3 * 2, 3 * 4, 6 * 4, 2 * 4, 3 * 2};
    for (int i = 0; i < 5; i++) {
        char bytes[400];
        int at = snprintf(bytes, sizeof bytes, "YUV4MPEG2 W%d H%d F0:0 %s Xanything\nFRAME Ip\n", W, H, names[i]);
        memset(bytes + at, 81, W * H), at += W * H;
        memset(bytes + at, 90, planes[i]), at += (int)planes[i];
        memset(bytes + at, 240, planes[i]), at += (int)planes[i];
        const rf_frame_source_opts rgb = reading(scratch_write("red.y4m", bytes, (size_t)at), "auto", 3), gray = reading(rgb.path, "auto", 1);
        rf_frame_source *source = NULL;
        uint8_t pixels[MOST];
        bool more;
        assert_int_equal(rf__frame_source_open(&source, &rgb), RF_OK);
        assert_int_equal(rf__frame_source_next(source, pixels, &more), RF_OK);
        for (int p = 0; p < W * H; p++) assert_true(pixels[3 * p] >= 253 && pixels[3 * p + 1] <= 1 && pixels[3 * p + 2] <= 1);
        rf__frame_source_close(&source);
        assert_int_equal(rf__frame_source_open(&source, &gray), RF_OK);
        assert_int_equal(rf__frame_source_next(source, pixels, &more), RF_OK);
        assert_int_equal(pixels[0], 76); /* 0.299 of 255 */
        rf__frame_source_close(&source);
    }
}

static void raw_channels_are_converted(void **state) {
    (void)state;
    rf_frame_source_opts opts = reading(write_some("c.raw", "raw", 1), "raw", 3);
    opts.raw_channels = 1;
    rf_frame_source *source = NULL;
    uint8_t pixels[MOST], expected[MOST];
    bool more;
    picture(0, 1, expected);
    assert_int_equal(rf__frame_source_open(&source, &opts), RF_OK);
    assert_int_equal(rf__frame_source_next(source, pixels, &more), RF_OK);
    for (int i = 0; i < W * H * 3; i++) assert_int_equal(pixels[i], expected[i / 3]);
    rf__frame_source_close(&source);
}

static void wrong_input_is_told(void **state) {
    (void)state;
    const struct { const char *bytes, *format, *says; } cases[] = {
        {"", "y4m", "does not begin with YUV4MPEG2"},
        {"YUV4MPEG2 W6 H5\n", "auto", "frames are 6x5, expected 6x4"},
        {"YUV4MPEG2 W6\n", "auto", "frames are 6x0, expected 6x4"},
        {"YUV4MPEG2 W-6 H4\n", "auto", "the width of the Y4M header is '-6'"},
        {"YUV4MPEG2 W99999999999 H4\n", "auto", "expected 1 .. 65536"},
        {"YUV4MPEG2 W6 H4 C420p10\n", "auto", "the colour space of the Y4M header is '420p10'"},
        {"YUV4MPEG2 W6 H4 It\n", "auto", "the interlacing"},
        {"YUV4MPEG2 W6 H4 Fslow\n", "auto", "the frame rate"},
    };
    rf_frame_source *source = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rf_frame_source_opts opts = reading(scratch_write("bad.y4m", cases[i].bytes, strlen(cases[i].bytes)), cases[i].format, 3);
        assert_int_not_equal(rf__frame_source_open(&source, &opts), RF_OK);
        assert_null(source);
        assert_true(said(cases[i].says));
    }
    const rf_frame_source_opts absent = reading("no/such/file", "auto", 1), folder = reading(scratch_folder, "y4m", 1);
    assert_int_equal(rf__frame_source_open(&source, &absent), RF_EIO);
    assert_int_equal(rf__frame_source_open(&source, &folder), RF_EINVAL);
}

static void broken_frames_are_told(void **state) {
    (void)state;
    const char *header = "YUV4MPEG2 W6 H4 Cmono\nFRAME\n012345678901234567890123";
    const struct { const char *tail, *says; } cases[] = {{"FRAME\n0123", "ends inside frame 1, after 4 of 24 bytes"},
                                                         {"FRAMES\n", "frame 1 begins with 'FRAMES', expected FRAME"}};
    for (int i = 0; i < 2; i++) {
        char bytes[200];
        snprintf(bytes, sizeof bytes, "%s%s", header, cases[i].tail);
        const rf_frame_source_opts opts = reading(scratch_write("cut.y4m", bytes, strlen(bytes)), "auto", 1);
        rf_frame_source *source = NULL;
        uint8_t pixels[MOST];
        bool more;
        assert_int_equal(rf__frame_source_open(&source, &opts), RF_OK);
        assert_int_equal(rf__frame_source_next(source, pixels, &more), RF_OK);
        assert_int_equal(rf__frame_source_next(source, pixels, &more), RF_EFORMAT);
        assert_true(said(cases[i].says));
        rf__frame_source_close(&source);
    }
    const rf_frame_source_opts opts = reading(scratch_write("cut.raw", "0123456789012345678901234567", 28), "raw", 1);
    rf_frame_source *source = NULL;
    uint8_t pixels[MOST];
    bool more;
    assert_int_equal(rf__frame_source_open(&source, &opts), RF_OK);
    assert_int_equal(rf__frame_source_next(source, pixels, &more), RF_OK);
    assert_int_equal(rf__frame_source_next(source, pixels, &more), RF_EFORMAT);
    assert_true(said("after 4 of 24 bytes, expected frames of 6x4 with 1 channels"));
    rf__frame_source_close(&source);
}

/* A pipe whose other end says nothing: the stop is noticed. */
static void a_stop_ends_a_silent_input(void **state) {
    (void)state;
    const char *path = scratch_path("fifo");
    char command[600];
    snprintf(command, sizeof command, "mkfifo %s", path);
    assert_int_equal(system(command), 0);
    int writer = open(path, O_RDWR);
    assert_true(writer >= 0);
    assert_int_equal(write(writer, "abc", 3), 3);
    static _Atomic int stop;
    rf_frame_source_opts opts = reading(path, "raw", 1);
    opts.stop = &stop;
    rf_frame_source *source = NULL;
    uint8_t pixels[MOST];
    bool more = true;
    assert_int_equal(rf__frame_source_open(&source, &opts), RF_OK);
    stop = 1;
    assert_int_equal(rf__frame_source_next(source, pixels, &more), RF_OK);
    assert_false(more);
    rf__frame_source_close(&source);
    close(writer);
}

static void aborted_files_leave_nothing(void **state) {
    (void)state;
    const char *path = scratch_path("gone.raw");
    const rf_frame_info info = {W, H, 1, 0, 0};
    rf_frame_sink *sink = NULL;
    uint8_t pixels[MOST];
    picture(0, 1, pixels);
    assert_int_equal(rf__frame_sink_open(&sink, path, "raw", &info), RF_OK);
    assert_int_equal(rf__frame_sink_put(sink, pixels), RF_OK);
    rf__frame_sink_abort(&sink);
    assert_false(rf__file_exists(path));
    assert_int_equal(rf__frame_sink_open(&sink, path, "mp4", &info), RF_EINVAL);
    assert_true(said("no format 'mp4'"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_back),      cmocka_unit_test(rates_are_kept),
        cmocka_unit_test(gray_is_of_full_range), cmocka_unit_test(colours_are_bt601),     cmocka_unit_test(raw_channels_are_converted),
        cmocka_unit_test(wrong_input_is_told),   cmocka_unit_test(broken_frames_are_told),
        cmocka_unit_test(a_stop_ends_a_silent_input), cmocka_unit_test(aborted_files_leave_nothing),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
