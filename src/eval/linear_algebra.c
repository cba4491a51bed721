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

void rf__square_product(double *c, const double *a, bool turned, const double *b, int n) {
    prepare();
    cblas_dgemm(CblasRowMajor, turned ? CblasTrans : CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, 0, c, n);
}

/* Column-major on a symmetric matrix: LAPACK's column k, an eigenvector, is our row k. */
rf_status rf__eigen_symmetric(double *a, int n, double *values, bool vectors) {
    prepare();
    int failed = LAPACKE_dsyevd(LAPACK_COL_MAJOR, vectors ? 'V' : 'N', 'U', n, a, n, values);
    return failed ? rf__fail(RF_ENUMERIC, "the eigenvalues of a %dx%d covariance were not found (LAPACK dsyevd: %d)", n, n, failed) : RF_OK;
}
