/* Demands of infer functions: proven, refuted, or left to whoever runs the inference. */
#include "op/op.h"

qn_status *qn_infer_require(qn_infer *infer, qn_dim condition, const char *format, ...) {
    int64_t low, high;
    qn_dim_range(infer->dims, condition, &low, &high);
    if (low >= 0) return NULL;
    va_list args;
    va_start(args, format);
    qn_buffer buffer;
    qn_buffer_init(&buffer, infer->arena->allocator);
    qn_buffer_vprintf(&buffer, format, args);
    va_end(args);
    const char *message = qn_arena_copy_string(infer->arena, qn_buffer_text(&buffer), buffer.size);
    int failed = buffer.failed || !message;
    qn_buffer_deinit(&buffer);
    if (failed) return qn_status_out_of_memory();
    if (high < 0) return QN_ERR(QN_INVALID_MODEL, "%s", message);
    return infer->host->require(infer->host->self, infer, condition, message);
}

qn_status *qn_infer_require_equal(qn_infer *infer, qn_dim a, qn_dim b, const char *format, ...) {
    if (qn_dim_same(a, b)) return NULL;
    qn_dim difference = qn_dim_sub(infer->dims, a, b);
    va_list args;
    va_start(args, format);
    qn_buffer buffer;
    qn_buffer_init(&buffer, infer->arena->allocator);
    qn_buffer_vprintf(&buffer, format, args);
    va_end(args);
    const char *message = qn_arena_copy_string(infer->arena, qn_buffer_text(&buffer), buffer.size);
    int failed = buffer.failed || !message;
    qn_buffer_deinit(&buffer);
    if (failed) return qn_status_out_of_memory();
    QN_TRY(qn_infer_require(infer, difference, "%s", message));
    return qn_infer_require(infer, qn_dim_sub(infer->dims, b, a), "%s", message);
}

qn_dim qn_infer_data_dim(qn_infer *infer, int output, int axis, qn_dim low, qn_dim high) {
    return infer->host->data_dim(infer->host->self, infer, output, axis, low, high);
}
