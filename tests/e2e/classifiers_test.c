/* Networks that are no segmenters: the same path from file to answer. */
#include "e2e.h"

static void mobilenet_v1_agrees_with_tensorflow(void **state) {
    (void)state;
    need_shared();
    static const char *const cases[] = {"airplane", "cow", "sheep", "train"};
    runner r;
    double worst = 0;
    runner_open(&r, build_model(shared_path("models/tensorflow/mobilenet_v1_0.25_128.pb"), NULL), NULL, 0);
    for (size_t i = 0; i < 4; i++) {
        qn_tensor output = runner_run_file(&r, shared_path("refs/mobilenet_v1_0.25_128/%s.input.npy", cases[i]));
        qn_tensor expected =
            load_npy(shared_path("refs/mobilenet_v1_0.25_128/%s.MobilenetV1_Predictions_Reshape_1.npy", cases[i]));
        double difference = max_difference(&output, &expected);
        if (!(difference <= worst)) worst = difference;
        qn_npy_free(&output, NULL), qn_npy_free(&expected, NULL);
    }
    figure("mobilenet_v1, largest difference", "%.2e (bar 1e-4)", worst);
    assert_true(worst <= 1e-4);
    runner_close(&r);
}

static void autoencoder_agrees_with_tensorflow(void **state) {
    (void)state;
    need_shared();
    runner r;
    runner_open(&r, build_model(shared_path("models/tensorflow/autoencoder_ae0.pb"), NULL), NULL, 0);
    qn_tensor output = runner_run_file(&r, shared_path("refs/autoencoder_ae0/a.X.npy"));
    qn_tensor expected = load_npy(shared_path("refs/autoencoder_ae0/a.output.npy"));
    double worst = max_difference(&output, &expected);
    figure("autoencoder, largest difference", "%.2e (bar 1e-4)", worst);
    assert_true(worst <= 1e-4);
    qn_npy_free(&output, NULL), qn_npy_free(&expected, NULL);
    runner_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mobilenet_v1_agrees_with_tensorflow),
        cmocka_unit_test(autoencoder_agrees_with_tensorflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
