/* outpath.c - output patterns: parsed by hand, because a user's text must never be a printf format. */
#include "outpath.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"

/* The conversion at `text` ("%03d"): its length and width, or 0 when it is not one. */
static int conversion(const char *text, int *width, bool *zeros) {
    if (text[0] != '%') return 0;
    char *end = NULL;
    *zeros = text[1] == '0';
    long digits = 0;
    if (text[1] >= '0' && text[1] <= '9')
        digits = strtol(text + 1, &end, 10);
    else
        end = (char *)text + 1;
    *width = (int)digits;
    return *end == 'd' && digits <= 20 ? (int)(end - text) + 1 : 0;
}

static rf_status count_conversions(const char *pattern, int *count) {
    int width;
    bool zeros;
    *count = 0;
    for (const char *c = strchr(pattern, '%'); c; c = strchr(c, '%')) {
        int length = conversion(c, &width, &zeros);
        if (c[1] == '%')
            c += 2;
        else if (length)
            c += length, (*count)++;
        else
            return rf__fail(
                RF_EINVAL, "--output is %s, expected one %%d or %%03d, and %%%% for a percent sign", pattern);
    }
    return RF_OK;
}

rf_status rf__outpath_check(const char *pattern, bool many, const char *instead) {
    bool to_stdout = strcmp(pattern, "-") == 0;
    size_t length = strlen(pattern);
    int count = 0;
    RF_TRY(count_conversions(pattern, &count));
    if (!to_stdout && (length < 5 || strcasecmp(pattern + length - 4, ".png") != 0))
        return rf__fail(RF_EINVAL, "--output is %s, expected a name that ends in .png, or -", pattern);
    if (count > 1) return rf__fail(RF_EINVAL, "--output is %s, expected at most one image number", pattern);
    if (many && count == 0)
        return rf__fail(RF_EINVAL, "--output is %s for several images, expected a number in it like out_%%03d.png%s%s", pattern, instead ? ", or " : "",
                        instead ? instead : "");
    return RF_OK;
}

char *rf__outpath_name(const char *pattern, int64_t index) {
    char *name = malloc(strlen(pattern) + 32);
    if (!name) return NULL;
    char *out = name;
    for (const char *c = pattern; *c;) {
        int width;
        bool zeros;
        int length = conversion(c, &width, &zeros);
        if (c[0] == '%' && c[1] == '%')
            *out++ = '%', c += 2;
        else if (length)
            out += sprintf(out, zeros ? "%0*lld" : "%*lld", width, (long long)index), c += length;
        else
            *out++ = *c++;
    }
    *out = '\0';
    return name;
}

rf_status rf__outpath_prepare(const char *path) {
    struct stat info;
    if (strcmp(path, "-") == 0) return RF_OK;
    bool there = stat(path, &info) == 0;
    if (there && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return RF_OK; /* a device or a pipe is written where it is */
    char *folder = strdup(path);
    if (!folder) return rf__fail(RF_ENOMEM, "no memory for a file name");
    char *slash = strrchr(folder, '/');
    rf_status status = RF_OK;
    if (slash) {
        *(slash == folder ? slash + 1 : slash) = '\0';
        status = rf__make_dirs(folder);
    }
    const char *where = slash ? folder : ".";
    if (status == RF_OK && access(where, W_OK) != 0)
        status = rf__fail(RF_EIO, "%s: folder cannot be written: %s", where, strerror(errno));
    else if (status == RF_OK && there && S_ISDIR(info.st_mode))
        status = rf__fail(RF_EIO, "%s: is a folder, expected a file name", path);
    free(folder);
    return status;
}
