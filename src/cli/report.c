/* report.c - writes a JSON report. */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"

rf_status rf__report_write(const char *path, json_t *json) {
    char *text = path && json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    if (!path) return RF_OK;
    if (!text) return rf__fail(RF_ENOMEM, "no memory for the report");
    size_t size = strlen(text);
    text[size++] = '\n'; /* over the terminator: the length is known */
    rf_status status = RF_OK;
    if (!rf__report_on_stdout(path))
        status = rf__file_write(path, text, size);
    else if (fwrite(text, 1, size, stdout) != size || fflush(stdout) != 0)
        status = rf__fail(RF_EIO, "writing the report to stdout failed");
    free(text);
    return status;
}
