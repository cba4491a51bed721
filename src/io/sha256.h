/* sha256.h - checksum of a file. */
#ifndef RF_IO_SHA256_H
#define RF_IO_SHA256_H
#include "../base/status.h"

/* Lower-case hex of the whole file. */
rf_status rf__sha256_file(const char *path, char hex[65]);
void rf__sha256_bytes(const void *bytes, size_t size, char hex[65]);

#endif
