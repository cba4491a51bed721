/* attention.c - attention of one (batch, head) at a time in plain C; the truth for the others. */
#include "../fill.h"
#include "../scalar.h"

typedef struct head {
    int64_t q, k, v, y, lse; /* element offsets of row 0 */
} head;

static head head_at(const rf_attention_args *a, int64_t unit) {
    int64_t b = unit / a->heads, column = unit % a->heads * a->dim;
    return (head){b * a->tq * a->q_stride + column, b * a->tk * a->k_stride + column, b * a->tk * a->v_stride + column,
                  b * a->tq * a->y_stride + column, unit * a->tq};
}

static float dot(const rf_attention_args *a, const void *x, int64_t i, const void *z, int64_t j) {
    float sum = 0;
    for (int d = 0; d < a->dim; d++) sum += rf__get(a->dtype, x, i + d) * rf__get(a->dtype, z, j + d);
    return sum;
}

/* scratch: scores [tk], then one output row [dim] */
static void attention(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_attention_args *a = args;
    float *score = scratch, *out = score + a->tk;
    for (int64_t unit = begin; unit < end; unit++) {
        head h = head_at(a, unit);
        for (int i = 0; i < a->tq; i++) {
            float top = -INFINITY, sum = 0;
            for (int j = 0; j < a->tk; j++) {
                score[j] = a->scale * dot(a, a->q, h.q + i * a->q_stride, a->k, h.k + j * a->k_stride);
                top = fmaxf(top, score[j]);
            }
            for (int d = 0; d < a->dim; d++) out[d] = 0;
            for (int j = 0; j < a->tk; j++) {
                float p = expf(score[j] - top);
                sum += p;
                for (int d = 0; d < a->dim; d++) out[d] += p * rf__get(a->dtype, a->v, h.v + j * a->v_stride + d);
            }
            for (int d = 0; d < a->dim; d++) rf__put(a->dtype, a->y, h.y + i * a->y_stride + d, out[d] / sum);
            if (a->lse) a->lse[h.lse + i] = top + logf(sum);
        }
    }
}

static void put_rows(const rf_attention_args *a, void *to, int64_t at, int64_t stride, int rows, const float *from) {
    for (int r = 0; r < rows; r++)
        for (int d = 0; d < a->dim; d++) rf__put(a->dtype, to, at + r * stride + d, from[r * a->dim + d]);
}

/* p = exp(s - lse); dv = p^T dy; ds = p (dy v^T - dy.y); dq = scale ds k; dk = scale ds^T q.
 * scratch: dq [dim], dk [tk][dim], dv [tk][dim] */
static void attention_bwd(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_attention_args *a = args;
    float *dq = scratch, *dk = dq + a->dim, *dv = dk + (int64_t)a->tk * a->dim;
    for (int64_t unit = begin; unit < end; unit++) {
        head h = head_at(a, unit);
        for (int64_t i = 0; i < 2 * (int64_t)a->tk * a->dim; i++) dk[i] = 0;
        for (int i = 0; i < a->tq; i++) {
            int64_t q = h.q + i * a->q_stride, y = h.y + i * a->y_stride;
            float delta = dot(a, a->dy, y, a->y, y);
            for (int d = 0; d < a->dim; d++) dq[d] = 0;
            for (int j = 0; j < a->tk; j++) {
                int64_t k = h.k + j * a->k_stride;
                float p = expf(a->scale * dot(a, a->q, q, a->k, k) - a->lse[h.lse + i]);
                float ds = a->scale * p * (dot(a, a->dy, y, a->v, h.v + j * a->v_stride) - delta);
                for (int d = 0; d < a->dim; d++) {
                    dq[d] += ds * rf__get(a->dtype, a->k, k + d);
                    dk[j * a->dim + d] += ds * rf__get(a->dtype, a->q, q + d);
                    dv[j * a->dim + d] += p * rf__get(a->dtype, a->dy, y + d);
                }
            }
            put_rows(a, a->dq, q, 0, 1, dq);
        }
        put_rows(a, a->dk, h.k, a->k_stride, a->tk, dk);
        put_rows(a, a->dv, h.v, a->v_stride, a->tk, dv);
    }
}

static size_t attention_scratch(const rf_attention_args *a, bool backward) {
    size_t floats = backward ? (size_t)a->dim + 2 * (size_t)a->tk * a->dim : (size_t)a->tk + a->dim;
    return floats * sizeof(float);
}

void rf__fill_ref_attention(rf_kernels *table) {
    table->fn[RF_K_attention] = attention;
    table->fn[RF_K_attention_bwd] = attention_bwd;
    table->attention_scratch = attention_scratch;
}
