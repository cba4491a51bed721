/* sha256.c - nettle's SHA-256 over a stream. */
#include "sha256.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

static void finish(struct sha256_ctx *context, char hex[65]) {
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(context, sizeof digest, digest);
    for (int i = 0; i < SHA256_DIGEST_SIZE; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void rf__sha256_bytes(const void *bytes, size_t size, char hex[65]) {
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, size, bytes);
    finish(&context, hex);
}

rf_status rf__sha256_file(const char *path, char hex[65]) {
    struct sha256_ctx context;
    uint8_t buffer[65536];
    FILE *file = fopen(path, "rb");
    if (!file) return rf__fail(errno == ENOENT ? RF_ENOTFOUND : RF_EIO, "%s: %s", path, strerror(errno));
    sha256_init(&context);
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, file)) > 0;) sha256_update(&context, n, buffer);
    bool failed = ferror(file);
    fclose(file);
    if (failed) return rf__fail(RF_EIO, "%s: could not be read to its end", path);
    finish(&context, hex);
    return RF_OK;
}
