/* PGM and PPM, plain and binary. */
#include "image/codec.h"

#include "base/checked.h"
#include "base/entry.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>

enum { ASK_EVERY = 1 << 20 }; /* samples */

typedef struct reader {
    const qn_image_source *source;
    size_t at;
} reader;

static int is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The next decimal number, after white space and comments. */
static qn_status *read_number(reader *in, int64_t limit, const char *what, int64_t *out_value) {
    const qn_bytes bytes = in->source->bytes;
    while (in->at < bytes.size && (is_space(bytes.data[in->at]) || bytes.data[in->at] == '#')) {
        if (in->at % ASK_EVERY == 0) QN_TRY(qn_cancel_check(&in->source->cancel));
        if (bytes.data[in->at] == '#')
            while (in->at < bytes.size && bytes.data[in->at] != '\n') ++in->at;
        else
            ++in->at;
    }
    const size_t start = in->at;
    int64_t value = 0;
    for (; in->at < bytes.size && bytes.data[in->at] >= '0' && bytes.data[in->at] <= '9'; ++in->at) {
        value = value * 10 + (bytes.data[in->at] - '0');
        if (value > limit)
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: byte %zu: %s is above %lld", in->source->name, start, what,
                          (long long)limit);
    }
    if (in->at == start)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: byte %zu: expected %s, found %s", in->source->name, start, what,
                      start < bytes.size ? "something else" : "the end of the file");
    *out_value = value;
    return NULL;
}

static uint8_t scale_sample(unsigned value, unsigned maximum) {
    return (uint8_t)((value * 255 + maximum / 2) / maximum);
}

static qn_status *read_plain(reader *in, unsigned maximum, unsigned scale_maximum, size_t samples, uint8_t *out) {
    for (size_t i = 0; i < samples; ++i) {
        int64_t value;
        if (i % ASK_EVERY == 0) QN_TRY(qn_cancel_check(&in->source->cancel));
        QN_TRY(read_number(in, maximum, "a sample", &value));
        out[i] = scale_sample((unsigned)value, scale_maximum);
    }
    return NULL;
}

static qn_status *read_binary(reader *in, unsigned maximum, unsigned scale_maximum, size_t samples, uint8_t *out) {
    const size_t width = maximum > 255 ? 2 : 1;
    const uint8_t *data = in->source->bytes.data + in->at;
    for (size_t i = 0; i < samples; ++i, data += width) {
        if (i % ASK_EVERY == 0) QN_TRY(qn_cancel_check(&in->source->cancel));
        const unsigned value = width == 2 ? (unsigned)data[0] << 8 | data[1] : data[0];
        if (value > maximum)
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: a sample is %u, above the maximum of %u that the file declares",
                          in->source->name, value, maximum);
        out[i] = scale_sample(value, scale_maximum);
    }
    return NULL;
}

/* Refuses before memory is taken for a size that the file cannot fill. A plain sample takes two bytes but the last. */
static qn_status *check_length(const reader *in, int plain, size_t samples, size_t sample_bytes) {
    const size_t expected = plain ? samples * 2 - 1 : samples * sample_bytes;
    const size_t found = in->source->bytes.size - in->at;
    if (found >= expected) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: the picture is cut short: expected %s%zu bytes of samples, found %zu",
                  in->source->name, plain ? "at least " : "", expected, found);
}

qn_status *qn_image_pnm_decode(const qn_image_source *source, qn_image *out_image) {
    const char kind = (char)source->bytes.data[1];
    const int plain = kind == '2' || kind == '3', channels = kind == '3' || kind == '6' ? 3 : 1;
    reader in = {source, 2};
    int64_t width, height, maximum;
    QN_TRY(read_number(&in, INT32_MAX, "the width", &width));
    QN_TRY(read_number(&in, INT32_MAX, "the height", &height));
    QN_TRY(read_number(&in, 65535, "the maximum", &maximum));
    QN_TRY(qn_image_check_declared(source, width, height));
    if (maximum < 1) return QN_ERR(QN_INVALID_ARGUMENT, "%s: the maximum is 0, expected 1 .. 65535", source->name);
    if (in.at >= source->bytes.size || !is_space(source->bytes.data[in.at]))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: byte %zu: expected white space after the maximum", source->name, in.at);
    ++in.at;
    if (source->as_labels && (channels != 1 || maximum > 255))
        return QN_ERR(QN_UNSUPPORTED, "%s: expected a label map, found a %s; use a gray picture of 8 bits",
                      source->name, channels == 1 ? "PGM of 16 bits" : "colour picture");
    const size_t samples = (size_t)(width * height) * (size_t)channels;
    QN_TRY(check_length(&in, plain, samples, maximum > 255 ? 2 : 1));
    QN_TRY(qn_image_check_memory(source, width, height, channels, 0, 0));
    QN_TRY(qn_image_init_raw((int)width, (int)height, channels, source->allocator, out_image));
    const unsigned scale_maximum = source->as_labels ? 255 : (unsigned)maximum; /* labels stay as they are */
    return (plain ? read_plain : read_binary)(&in, (unsigned)maximum, scale_maximum, samples, out_image->data);
}

qn_status *qn_image_encode_pnm(const qn_image *image, const qn_allocator *allocator, qn_image_buffer *out_buffer) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_buffer);
    *out_buffer = (qn_image_buffer){0};
    QN_REQUIRE_ARG(image);
    QN_TRY(qn_image_check(image));
    qn_buffer buffer;
    qn_buffer_init(&buffer, allocator);
    qn_buffer_printf(&buffer, "P%c\n%d %d\n255\n", image->channels == 3 ? '6' : '5', image->width, image->height);
    qn_buffer_append(&buffer, image->data, image->stride_bytes * (size_t)image->height);
    if (buffer.failed) {
        qn_buffer_deinit(&buffer);
        return qn_status_out_of_memory();
    }
    *out_buffer = (qn_image_buffer){buffer.data, buffer.size, buffer.allocator};
    return NULL;
}

qn_status *qn_image_save_pnm(const char *path, const qn_image *image) {
    QN_ENTER();
    QN_REQUIRE_ARG(path);
    QN_REQUIRE_ARG(image);
    qn_image_buffer buffer;
    QN_TRY_CTX(qn_image_encode_pnm(image, NULL, &buffer), "%s", path);
    qn_status *status = qn_file_write_atomic(path, buffer.data, buffer.bytes);
    qn_image_buffer_deinit(&buffer);
    return status;
}
