/* Fixed dims become free only where the network still means the same: what a reshape counts stays. */
#include "driver_case.h"

#include <stdio.h>
#include <string.h>

/* 16 x 16 pictures come down to 4 x 4 with 32 channels: 512 elements. */
#define FRONT_OF(batch)                                                                                                \
    "input %x : f32[" batch                                                                                            \
    ", 16, 16, 3]\nconst %w : f32[3, 3, 3, 32] = random 1\n%c = conv2d(%x, %w) {stride=[4, 4], "                       \
    "padding=same_upper}\n"
#define FRONT             FRONT_OF("1")
#define HEAD              "const %v : f32[512, 5] = random 2\n%y = matmul(%f, %v)\noutput %y\n"
#define TO(rank, numbers) "const %to : s32[" rank "] = {" numbers "}\n"
#define FLAT              "%f = reshape(%c, %to) source \"tensorflow: node 'Flatten' (Reshape)\"\n"
#define NUMBERS                                                                                                        \
    "const %i0 : s32[1] = {0}\nconst %i1 : s32[1] = {1}\nconst %i2 : s32[1] = {2}\nconst %i3 : s32[1] = {3}\n"         \
    "const %minus : s32[1] = {-1}\nconst %two : s32[1] = {2}\nconst %five : s32[1] = {5}\n"
#define SHAPE                                                                                                          \
    NUMBERS "%s = shape(%c)\n%n = strided_slice(%s, %i0, %i1, %i1)\n%h = strided_slice(%s, %i1, %i2, %i1)\n"           \
            "%q = strided_slice(%s, %i2, %i3, %i1)\n"

/* "1 16 2..40 ?": the dims of an input, ? for a lower end of 1 and no upper. */
static void print_dims(const qn_value_info *input, char *text, size_t room) {
    size_t length = 0;
    *text = 0;
    for (int i = 0; i < input->rank && length < room; i++) {
        const long long low = input->min_dims[i], high = input->max_dims[i];
        const char *space = i ? " " : "";
        if (low == high)
            length += (size_t)snprintf(text + length, room - length, "%s%lld", space, low);
        else if (high != QN_NO_LIMIT)
            length += (size_t)snprintf(text + length, room - length, "%s%lld..%lld", space, low, high);
        else if (low > 1)
            length += (size_t)snprintf(text + length, room - length, "%s%lld..", space, low);
        else
            length += (size_t)snprintf(text + length, room - length, "%s?", space);
    }
}

/* Builds, and compares the dims of the inputs (one after the other, " | " between). */
static void expect_dims(const char *statements, const char *wanted) {
    char found[256] = "";
    qn_model *model = build_of(statements, NULL);
    for (size_t i = 0, length = 0; i < qn_model_get_info(model)->input_count; i++) {
        if (i) length += (size_t)snprintf(found + length, sizeof found - length, " | ");
        print_dims(qn_model_input(model, i), found + length, sizeof found - length);
        length = strlen(found);
    }
    qn_model_destroy(model);
    if (strcmp(found, wanted)) fail_msg("'%s', expected '%s' of\n%s", found, wanted, statements);
}

/* Why a picture of this shape is not taken. */
static void expect_refused_shape(const char *statements, const int64_t dims[4], const char *words) {
    qn_engine *engine;
    qn_context *context;
    qn_model *model = build_of(statements, NULL);
    expect_ok(qn_engine_create(model, NULL, &engine));
    expect_ok(qn_context_create(engine, &context));
    expect_refused(qn_context_set_input_shape(context, 0, 4, dims), QN_INVALID_ARGUMENT, words);
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    qn_model_destroy(model);
}

static void a_larger_picture_is_not_folded_into_the_batch(void **state) {
    (void)state;
    static const char network[] = FRONT TO("2", "-1, 512") FLAT HEAD;
    expect_dims(network, "? 16 16 3");
    expect_dims("symbol n [1, *]\n" FRONT_OF("n") TO("2", "-1, 512") FLAT HEAD, "? 16 16 3");
    expect_dims(FRONT_OF("4") TO("2", "-1, 512") FLAT HEAD, "1..4 16 16 3");
    expect_refused_shape(
        network, (int64_t[]){1, 32, 32, 3},
        "dim 1 is 32, must be 16 (constant 'to' of tensorflow: node 'Flatten' (Reshape): counts elements: it "
        "makes [1, 512] of [1, 4, 4, 32]");
}

static void sides_are_not_swapped(void **state) {
    (void)state;
    static const char network[] = FRONT TO("2", "1, 512") FLAT HEAD;
    expect_dims(network, "1 16 16 3");
    expect_dims(FRONT_OF("4") TO("2", "4, 512") FLAT HEAD, "4 16 16 3");
    expect_refused_shape(network, (int64_t[]){1, 8, 32, 3}, "node 'Flatten' (Reshape)");
    expect_refused_shape(network, (int64_t[]){2, 16, 16, 3}, "dim 0 is 2, must be 1 (constant 'to'");
}

static void what_is_left_for_the_rest_may_stand_anywhere(void **state) {
    (void)state;
    expect_dims(FRONT TO("2", "1, -1") FLAT HEAD, "1 16 16 3");
    expect_dims(FRONT SHAPE "%to = concat(%n, %minus) {axis=0}\n" FLAT HEAD, "? 16 16 3");
    /* rows of a picture */
    expect_dims(FRONT TO("3", "1, -1, 128") "%f = reshape(%c, %to)\noutput %f\n", "1 1..16 16 3");
    expect_dims(FRONT TO("2", "-1, 256") "%f = reshape(%c, %to)\noutput %f\n", "? 16 16 3");
    expect_dims(FRONT TO("1", "-1") FLAT "const %b : f32[512] = random 3\n%y = mul(%f, %b)\noutput %y\n", "1 16 16 3");
}

static void a_matrix_product_that_demands_a_number_is_told_with_the_reshape(void **state) {
    (void)state;
    qn_model *model = build_of(FRONT SHAPE "%to = concat(%n, %minus) {axis=0}\n" FLAT HEAD, NULL);
    const char *meta = qn_model_get_info(model)->meta;
    assert_non_null(
        strstr(meta, "\"axis\":1,\"size\":16,\"reason\":\"tensorflow: node 'Flatten' (Reshape): joins the dims of [1, "
                     "4, 4, 32] to [1, 512], whose number of elements is demanded by node 'y' (matmul)"));
    qn_model_destroy(model);
}

static void channels_first_are_counted_too(void **state) {
    (void)state;
    expect_dims(FRONT "const %p : s32[4] = {0, 3, 1, 2}\n%t = transpose(%c, %p)\n" TO(
                    "2", "-1, 512") "%f = reshape(%t, %to)\n" HEAD,
                "? 16 16 3");
}

static void a_shape_computed_from_constants_is_a_constant(void **state) {
    (void)state;
    expect_dims(FRONT NUMBERS "const %a : s32[1] = {16}\nconst %b : s32[1] = {32}\n%ab = mul(%a, %b)\n"
                              "%to = concat(%minus, %ab) {axis=0}\n" FLAT HEAD,
                "? 16 16 3");
    expect_dims(FRONT SHAPE "const %all : s32[1] = {512}\n%to = concat(%n, %all) {axis=0}\n" FLAT HEAD, "? 16 16 3");
}

/* As MobileNet ends, but with a reshape where that squeezes. */
static void a_pool_over_the_whole_picture_stays_one(void **state) {
    (void)state;
    static const char pool[] = "%p = avg_pool2d(%c) {kernel=[4, 4], stride=[1, 1], padding=valid}\n";
    static const char end[] = "%f = reshape(%p, %to)\noutput %f\n";
    char network[2048];
    snprintf(network, sizeof network, "%s%s%s%s", FRONT, pool, TO("2", "-1, 32"), end);
    expect_dims(network, "? 16 16 3");
    snprintf(network, sizeof network, "%s%s%s%s", FRONT, pool, TO("2", "1, -1"), end);
    expect_dims(network, "1 16 16 3");
    snprintf(network, sizeof network, "%s%s%s%s", FRONT, pool, TO("1", "-1"), end);
    expect_dims(network, "? 16 16 3");
}

static void steps_in_time_are_no_batch(void **state) {
    (void)state;
#define STEPS                                                                                                          \
    "const %a : s32[2] = {-1, 8}\nconst %b : s32[3] = {-1, 10, 4}\nconst %w : f32[8, 4] = random 1\n%r = reshape(%x, " \
    "%a)\n"                                                                                                            \
    "%m = matmul(%r, %w)\n%y = reshape(%m, %b)\noutput %y\n"
    expect_dims("input %x : f32[1, 10, 8]\n" STEPS, "? 10 8");
    expect_dims("input %x : f32[4, 10, 8]\n" STEPS, "1..4 10 8");
#undef STEPS
}

static void samples_are_no_steps_in_time(void **state) {
    (void)state;
    expect_dims("input %x : f32[1, 16, 32]\nconst %a : s32[2] = {-1, 32}\nconst %b : s32[4] = {1, -1, 4, 8}\n"
                "%r = reshape(%x, %a)\n%y = reshape(%r, %b)\noutput %y\n",
                "1 1..16 32");
}

static void a_second_input_is_not_held(void **state) {
    (void)state;
    expect_dims(FRONT TO("2", "-1, 512") FLAT
                "input %z : f32[1, 9, 9, 2]\nconst %axes : s32[2] = {1, 2}\n%m = reduce_mean(%z, %axes)\n"
                "%y = concat(%f, %m) {axis=1}\noutput %y\n",
                "? 16 16 3 | ? 1..9 1..9 1..2");
}

static void what_keeps_its_meaning_stays_free(void **state) {
    (void)state;
    static const char pooled[] = FRONT "const %axes : s32[2] = {1, 2}\n%m = reduce_mean(%c, %axes)\n" TO(
        "2", "-1, 32") "%y = reshape(%m, %to)\noutput %y\n";
    static const char back[] = FRONT SHAPE TO("2", "-1, 32") "%f = reshape(%c, %to)\nconst %v : f32[32, 5] = random 2\n"
                                                             "%m = matmul(%f, %v)\n%back = concat(%n, %h, %q, %five) "
                                                             "{axis=0}\n%y = reshape(%m, %back)\noutput %y\n";
    static const char rest[] = FRONT SHAPE "const %k : s32[1] = {32}\n%to = concat(%minus, %h, %q, %k) {axis=0}\n"
                                           "%y = reshape(%c, %to)\noutput %y\n";
    expect_dims(pooled, "? 1..16 1..16 3");
    expect_dims(back, "? 1..16 1..16 3");
    expect_dims(rest, "? 1..16 1..16 3");
    expect_dims(FRONT TO("3", "1, -1, 32") "%y = reshape(%c, %to)\noutput %y\n", "1 1..16 1..16 3");
    expect_dims("input %x : f32[1, 20]\n" TO("2", "-1, 20") "%y = reshape(%x, %to)\noutput %y\n", "? 20");
    expect_dims("input %x : f32[16000]\n" TO("2", "-1, 160") "%y = reshape(%x, %to)\noutput %y\n", "160..16000");
}

static void what_the_source_leaves_free_keeps_its_word(void **state) {
    (void)state;
    expect_dims(
        "symbol h [1, *]\nsymbol w [1, *]\ninput %x : f32[1, h, w, 3]\nconst %w1 : f32[3, 3, 3, 32] = random 1\n"
        "%c = conv2d(%x, %w1) {stride=[4, 4], padding=same_upper}\n" TO("2", "-1, 512") FLAT HEAD,
        "1 ? ? 3");
}

static void a_range_for_what_is_counted_is_refused_with_the_reason(void **state) {
    (void)state;
    qn_model *model;
    expect_refused(try_build(FRONT TO("2", "-1, 512") FLAT HEAD,
                             "{'dim_range': {'0': {'min': [1, 16, 16, 3], 'max': [1, 32, 32, 3]}}}", &model),
                   QN_INVALID_ARGUMENT,
                   "pinned by constant 'to' of tensorflow: node 'Flatten' (Reshape): counts elements");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_larger_picture_is_not_folded_into_the_batch),
        cmocka_unit_test(sides_are_not_swapped),
        cmocka_unit_test(what_is_left_for_the_rest_may_stand_anywhere),
        cmocka_unit_test(a_matrix_product_that_demands_a_number_is_told_with_the_reshape),
        cmocka_unit_test(channels_first_are_counted_too),
        cmocka_unit_test(a_shape_computed_from_constants_is_a_constant),
        cmocka_unit_test(a_pool_over_the_whole_picture_stays_one),
        cmocka_unit_test(steps_in_time_are_no_batch),
        cmocka_unit_test(samples_are_no_steps_in_time),
        cmocka_unit_test(a_second_input_is_not_held),
        cmocka_unit_test(what_keeps_its_meaning_stays_free),
        cmocka_unit_test(what_the_source_leaves_free_keeps_its_word),
        cmocka_unit_test(a_range_for_what_is_counted_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
