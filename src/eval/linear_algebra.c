/* linear_algebra.c - see linear_algebra.h. */
#include "linear_algebra.h"

#include <cblas.h>
#include <lapacke.h>
#include <pthread.h>

/* Every OpenBLAS has it, no other BLAS does: then there is nothing to calm. */
extern void openblas_set_num_threads(int) __attribute__((weak));

static void calm(void) {
    if (openblas_set_num_threads) openblas_set_num_threads(1);
}

static void prepare(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, calm);
}

void rf__gram(double *out, const double *rows, int64_t n, int width) {
    prepare();
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, width, (int)n, 1, rows, width, 0, out, width);
    for (int i = 0; i < width; i++)
        for (int j = 0; j < i; j++) out[(int64_t)i * width + j] = out[(int64_t)j * width + i];
}

void rf__products(float *out, const float *a, int64_t n, const float *b, int64_t m, int width) {
    prepare();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)m, width, 1, a, width, b, width, 0, out, (int)m);
}

void rf__products_double(double *out, const double *a, int64_t n, const double *b, int64_t m, int width) {
    prepare();
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)m, width, 1, a, width, b, width, 0, out, (int)m);
}

/* Column-major on a symmetric matrix: LAPACK's column k, an eigenvector, is our row k. */
rf_status rf__eigen_symmetric(double *a, int n, double *values, bool vectors) {
    prepare();
    int failed = LAPACKE_dsyevd(LAPACK_COL_MAJOR, vectors ? 'V' : 'N', 'U', n, a, n, values);
    return failed ? rf__fail(RF_ENUMERIC, "the eigenvalues of a %dx%d covariance were not found (LAPACK dsyevd: %d)", n, n, failed) : RF_OK;
}

rf_status rf__singular_values(double *a, int64_t n, int64_t m, double *values) {
    double none = 0; /* column-major: LAPACK sees the transposed matrix, which has the same ones */
    prepare();
    int failed = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', (int)m, (int)n, a, (int)m, values, &none, 1, &none, 1);
    return failed ? rf__fail(RF_ENUMERIC, "the singular values of a %lldx%lld matrix were not found (LAPACK dgesdd: %d)", (long long)n, (long long)m, failed) : RF_OK;
}
