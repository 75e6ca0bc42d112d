#include "quant/ranges.h"

qn_range qn_range_linear(const qn_range_source *source, const qn_range_request *request) {
    (void)request;
    return (qn_range){source->min, source->max};
}
