/* Words of messages, the same as the program uses. */
#include "vision/vision.h"

#include <stdio.h>
#include <string.h>

const char *qn_vision_dtype_name(qn_dtype dtype) {
    static const char *const names[QN_DTYPE_COUNT] = {
        [QN_DTYPE_NONE] = "none",   [QN_DTYPE_F32] = "float32",   [QN_DTYPE_F64] = "float64",
        [QN_DTYPE_F16] = "float16", [QN_DTYPE_BF16] = "bfloat16", [QN_DTYPE_S8] = "int8",
        [QN_DTYPE_U8] = "uint8",    [QN_DTYPE_S16] = "int16",     [QN_DTYPE_U16] = "uint16",
        [QN_DTYPE_S32] = "int32",   [QN_DTYPE_U32] = "uint32",    [QN_DTYPE_S64] = "int64",
        [QN_DTYPE_U64] = "uint64",  [QN_DTYPE_BOOL] = "bool",     [QN_DTYPE_STRING] = "string",
    };
    return (unsigned)dtype < QN_DTYPE_COUNT ? names[dtype] : "unknown";
}

const char *qn_vision_print_dims(const qn_tensor *tensor, char *text) {
    size_t length = (size_t)snprintf(text, QN_VISION_TEXT, "%s", tensor->rank ? "" : "scalar");
    for (int i = 0; i < tensor->rank && i < QN_MAX_RANK; i++)
        length += (size_t)snprintf(text + length, QN_VISION_TEXT - length, "%s%lld", i ? "x" : "",
                                   (long long)tensor->dims[i]);
    return text;
}

const char *qn_vision_print_range(const qn_value_info *value, char *text) {
    size_t length = (size_t)snprintf(text, QN_VISION_TEXT, "%s", value->rank ? "" : "scalar");
    for (int i = 0; i < value->rank; i++) {
        const long long low = value->min_dims[i], high = value->max_dims[i];
        const char *comma = i ? " x " : "";
        char *at = text + length;
        const size_t room = QN_VISION_TEXT - length;
        if (low == high)
            length += (size_t)snprintf(at, room, "%s%lld", comma, low);
        else if (high != QN_NO_LIMIT)
            length += (size_t)snprintf(at, room, "%s%lld..%lld", comma, low, high);
        else if (low > 1)
            length += (size_t)snprintf(at, room, "%s%lld..?", comma, low);
        else
            length += (size_t)snprintf(at, room, "%s?", comma);
    }
    return text;
}
