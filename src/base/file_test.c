/* Tests of file.c. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "file.h"
#include "memory.h"

static char folder[64];

static const char *in_folder(const char *name) {
    static char path[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static int entries(void) {
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    int n = 0;
    for (struct dirent *e; (e = readdir(dir));) n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static int setup(void **state) {
    (void)state;
    strcpy(folder, "/tmp/strait-file-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static void write_then_read(void **state) {
    (void)state;
    static uint8_t bytes[200000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 31);
    const char *path = in_folder("a.bin");
    assert_int_equal(rf__file_write(path, bytes, sizeof bytes), RF_OK);
    assert_int_equal(entries(), 1);
    uint8_t *back;
    size_t size;
    assert_int_equal(rf__file_read(path, sizeof bytes, &back, &size), RF_OK);
    assert_int_equal(size, sizeof bytes);
    assert_memory_equal(back, bytes, size);
    assert_int_equal(back[size], 0);
    rf__free(back);
    assert_int_equal(rf__file_read(path, sizeof bytes - 1, &back, &size), RF_EFORMAT);
    assert_null(back);
    assert_non_null(strstr(rf_last_error(), "200000"));
    assert_int_equal(rf__file_write(path, "", 0), RF_OK);
    assert_int_equal(rf__file_read(path, 0, &back, &size), RF_OK);
    assert_int_equal(size, 0);
    rf__free(back);
    assert_true(rf__file_exists(path));
}

static void refusals(void **state) {
    (void)state;
    uint8_t *back;
    size_t size;
    assert_int_equal(rf__file_read(in_folder("absent"), 10, &back, &size), RF_ENOTFOUND);
    assert_int_equal(rf__file_read(folder, 10, &back, &size), RF_EIO);
    assert_non_null(strstr(rf_last_error(), "directory"));
    assert_int_equal(rf__file_read("/dev/zero", 1000, &back, &size), RF_EFORMAT); /* endless */
    assert_int_equal(rf__file_write(folder, "x", 1), RF_EIO);
    assert_int_equal(rf__file_write(in_folder("absent/b"), "x", 1), RF_EIO);
    assert_non_null(strstr(rf_last_error(), "absent/b"));
}

static void abort_leaves_the_old_file(void **state) {
    (void)state;
    const char *path = in_folder("keep");
    assert_int_equal(rf__file_write(path, "old", 3), RF_OK);
    int before = entries();
    rf_writer *writer;
    assert_int_equal(rf__writer_open(&writer, path), RF_OK);
    fputs("new and unfinished", rf__writer_stream(writer));
    fflush(rf__writer_stream(writer));
    rf__writer_abort(&writer);
    assert_null(writer);
    rf__writer_abort(&writer);
    assert_int_equal(entries(), before);
    uint8_t *back;
    size_t size;
    assert_int_equal(rf__file_read(path, 100, &back, &size), RF_OK);
    assert_string_equal((char *)back, "old");
    rf__free(back);
}

static void full_disk(void **state) {
    (void)state;
    static char much[100000];
    int before = entries();
    /* The device is written in place and must survive. */
    assert_int_equal(rf__file_write("/dev/full", much, sizeof much), RF_EIO);
    assert_non_null(strstr(rf_last_error(), "No space left"));
    struct stat info;
    assert_int_equal(stat("/dev/full", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    /* A symbolic link to it as well. */
    assert_int_equal(symlink("/dev/full", in_folder("link")), 0);
    assert_int_equal(rf__file_write(in_folder("link"), "x", 1), RF_EIO);
    unlink(in_folder("link"));
    assert_int_equal(entries(), before);
    assert_int_equal(rf__file_write("/dev/null", much, sizeof much), RF_OK);
}

static void links_stay_links(void **state) {
    (void)state;
    assert_int_equal(rf__file_write(in_folder("real"), "1", 1), RF_OK);
    assert_int_equal(symlink("real", in_folder("alias")), 0);
    assert_int_equal(rf__file_write(in_folder("alias"), "2", 1), RF_OK);
    struct stat info;
    assert_int_equal(lstat(in_folder("alias"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    uint8_t *back;
    size_t size;
    assert_int_equal(rf__file_read(in_folder("real"), 9, &back, &size), RF_OK);
    assert_string_equal((char *)back, "2");
    rf__free(back);
}

static void folders(void **state) {
    (void)state;
    assert_int_equal(rf__make_dirs(in_folder("x/y//z/")), RF_OK);
    assert_int_equal(rf__make_dirs(in_folder("x/y")), RF_OK);
    assert_true(rf__file_exists(in_folder("x/y/z")));
    assert_int_equal(rf__file_write(in_folder("plain"), "1", 1), RF_OK);
    assert_int_equal(rf__make_dirs(in_folder("plain/sub")), RF_EIO);
    assert_int_equal(rf__make_dirs(in_folder("plain")), RF_EIO);
    assert_int_equal(rf__make_dirs(""), RF_EIO);
    assert_int_equal(rf__file_write(in_folder("signed"), "AB\nrest", 7), RF_OK);
    assert_true(rf__file_begins(in_folder("signed"), "AB\n", 3));
    assert_false(rf__file_begins(in_folder("signed"), "AB\nrest and more", 16));
    assert_false(rf__file_begins(in_folder("absent"), "AB", 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_then_read), cmocka_unit_test(refusals),         cmocka_unit_test(abort_leaves_the_old_file),
        cmocka_unit_test(full_disk),       cmocka_unit_test(links_stay_links), cmocka_unit_test(folders),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
