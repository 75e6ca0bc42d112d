/* check/copy.c - cases of join, box and resize_nearest, which have drivers only. */
#include "check/check.h"

#include <math.h>
#include <string.h>

static void fill_bytes(check_context *context, void *data, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i++) ((uint8_t *)data)[i] = (uint8_t)check_draw(context, 0, 255);
}

static void check_join(check_context *context) {
    qn_join_params p = {.count = check_draw(context, 1, QN_JOIN_MAX), .rows = check_draw_size(context, 16, 300)};
    int64_t row_bytes = 0;
    for (int64_t i = 0; i < p.count; i++) row_bytes += p.part_bytes[i] = check_draw_size(context, 64, 200);
    const size_t bytes = (size_t)(row_bytes * p.rows);
    uint8_t *dst = p.dst = check_buffer(context, "dst", bytes), *want = check_buffer_aligned(context, "want", bytes);
    int64_t at = 0;
    for (int64_t i = 0; i < p.count; at += p.part_bytes[i++]) {
        uint8_t *part = check_buffer(context, "part", (size_t)(p.part_bytes[i] * p.rows));
        fill_bytes(context, part, p.part_bytes[i] * p.rows);
        p.parts[i] = part;
        for (int64_t row = 0; row < p.rows; row++)
            memcpy(want + row * row_bytes + at, part + row * p.part_bytes[i], (size_t)p.part_bytes[i]);
    }
    check_describe(context, "join of %lld parts, %lld rows of %lld bytes", (long long)p.count, (long long)p.rows,
                   (long long)row_bytes);
    qn_work work;
    qn_join_work(&p, &work);
    if (check_run_work(context, "join", &work, 1)) check_same_bytes(context, "join", dst, want, bytes);
}

/* Sizes and shifts: mostly a box inside the other, sometimes anything. */
static void draw_axis(check_context *context, qn_box_params *p, int64_t axis, int64_t *shifts) {
    const int64_t size = check_draw_size(context, 4, 24), more = check_draw(context, 0, 5);
    const int back = p->shift_back != 0;
    p->src_dims[axis] = back ? size : size + more;
    p->dst_dims[axis] = back ? size + more : size;
    shifts[axis] = check_draw(context, 0, more);
    if (more > 0 && check_chance(context, 5)) shifts[axis] = check_draw(context, -2000000000, 2000000000);
    if (more > 0 && check_chance(context, 5)) shifts[axis] = check_draw(context, -9, 9);
}

/* What element `index` of the result is. */
static const uint8_t *naive_box(const qn_box_params *p, const int64_t *shifts, int64_t index) {
    static const uint8_t zeros[16];
    int64_t at = 0, scale = 1;
    for (int64_t axis = p->rank - 1; axis >= 0; axis--) {
        const int64_t i = index % p->dst_dims[axis] + (p->shift_back ? -shifts[axis] : shifts[axis]);
        if (i < 0 || i >= p->src_dims[axis]) return p->value ? p->value : zeros;
        at += i * scale;
        scale *= p->src_dims[axis];
        index /= p->dst_dims[axis];
    }
    return (const uint8_t *)p->src + at * p->elem_bytes;
}

static int64_t product(int64_t rank, const int64_t *dims) {
    int64_t elems = 1;
    for (int64_t i = 0; i < rank; i++) elems *= dims[i];
    return elems;
}

static void check_box(check_context *context) {
    qn_box_params p = {.elem_bytes = INT64_C(1) << check_draw(context, 0, 3), .rank = check_draw(context, 0, 4)};
    int64_t shifts[QN_BOX_RANK] = {0};
    p.shift_back = check_draw(context, 0, 1);
    p.shift_bytes = check_chance(context, 50) ? 4 : 8;
    p.shift_step = check_draw(context, 1, 2);
    do {
        for (int64_t i = 0; i < p.rank; i++) draw_axis(context, &p, i, shifts);
    } while (product(p.rank, p.dst_dims) > 300000 || product(p.rank, p.src_dims) > 300000);
    const int64_t elems = product(p.rank, p.dst_dims), src_bytes = product(p.rank, p.src_dims) * p.elem_bytes;
    void *src = check_buffer(context, "src", (size_t)src_bytes), *value = check_buffer(context, "value", 8);
    uint8_t *shift = check_buffer_aligned(context, "shift", (size_t)(p.rank * p.shift_step * p.shift_bytes));
    fill_bytes(context, src, src_bytes);
    fill_bytes(context, value, 8);
    for (int64_t i = 0; i < p.rank; i++) {
        if (p.src_dims[i] == p.dst_dims[i]) shifts[i] = 0;
        const int32_t narrow = (int32_t)shifts[i];
        memcpy(shift + i * p.shift_step * p.shift_bytes, p.shift_bytes == 4 ? (const void *)&narrow : &shifts[i],
               (size_t)p.shift_bytes);
    }
    p.src = src;
    p.shift = shift;
    p.value = check_chance(context, 70) ? value : NULL;
    p.dst = check_buffer(context, "dst", (size_t)(elems * p.elem_bytes));
    uint8_t *want = check_buffer_aligned(context, "want", (size_t)(elems * p.elem_bytes));
    for (int64_t i = 0; i < elems; i++) memcpy(want + i * p.elem_bytes, naive_box(&p, shifts, i), (size_t)p.elem_bytes);
    check_describe(context, "box of rank %lld, %lld elements of %lld bytes from %lld bytes", (long long)p.rank,
                   (long long)elems, (long long)p.elem_bytes, (long long)src_bytes);
    qn_work work;
    qn_box_work(&p, &work);
    if (check_run_work(context, "box", &work, 1))
        check_same_bytes(context, "box", p.dst, want, (size_t)(elems * p.elem_bytes));
}

static int64_t naive_nearest(int64_t out, int64_t in_size, int64_t out_size, const qn_resize_nearest_params *p) {
    const float scale = p->align_corners && out_size > 1 ? (float)(in_size - 1) / (float)(out_size - 1)
                                                         : (float)in_size / (float)out_size;
    const float at = ((float)out + (p->half_pixel_centers ? 0.5f : 0.0f)) * scale;
    const int64_t index = (int64_t)(p->align_corners ? roundf(at) : floorf(at));
    return index < 0 ? 0 : index >= in_size ? in_size - 1 : index;
}

static void check_nearest(check_context *context) {
    qn_resize_nearest_params p = {.batch = check_draw(context, 1, 2), .pixel_bytes = check_draw_size(context, 16, 64)};
    p.in_h = check_draw_size(context, 8, 20), p.in_w = check_draw_size(context, 8, 20);
    p.out_h = check_draw_size(context, 16, 60), p.out_w = check_draw_size(context, 16, 60);
    p.align_corners = check_draw(context, 0, 1);
    p.half_pixel_centers = p.align_corners ? 0 : check_draw(context, 0, 1);
    const int64_t in = p.batch * p.in_h * p.in_w, out = p.batch * p.out_h * p.out_w, size = p.pixel_bytes;
    uint8_t *src = check_buffer(context, "src", (size_t)(in * size)),
            *dst = check_buffer(context, "dst", (size_t)(out * size));
    uint8_t *want = check_buffer_aligned(context, "want", (size_t)(out * size));
    fill_bytes(context, src, in * size);
    for (int64_t i = 0; i < out; i++) {
        const int64_t y = naive_nearest(i / p.out_w % p.out_h, p.in_h, p.out_h, &p);
        const int64_t x = naive_nearest(i % p.out_w, p.in_w, p.out_w, &p), image = i / p.out_w / p.out_h;
        memcpy(want + i * size, src + ((image * p.in_h + y) * p.in_w + x) * size, (size_t)size);
    }
    p.src = src;
    p.dst = dst;
    check_describe(context, "nearest of %lldx%lldx%lld pixels of %lld bytes, to %lldx%lld", (long long)p.batch,
                   (long long)p.in_h, (long long)p.in_w, (long long)size, (long long)p.out_h, (long long)p.out_w);
    qn_work work;
    qn_resize_nearest_work(&p, &work);
    if (check_run_work(context, "resize_nearest", &work, 1))
        check_same_bytes(context, "resize_nearest", dst, want, (size_t)(out * size));
}

void check_copy(check_context *context) {
    if (check_chance(context, 30))
        check_join(context);
    else if (check_chance(context, 30))
        check_nearest(context);
    else
        check_box(context);
}
