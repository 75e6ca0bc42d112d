/* segment_picture - one picture through a segmentation network.
 *
 *     segment_picture MODEL.qn PICTURE LABELS.png OVERLAY.png [PALETTE]
 *
 * Decodes a JPEG, PNG or PPM, scales it down if it is larger than the network takes, runs the network, and saves the
 * label map at the picture's own size: once as an indexed PNG, whose values are the classes, and once as colours laid
 * over the picture. PALETTE is voc (the default), ade20k, cityscapes or a file with lines `name r g b`.
 *
 * The network takes uint8 [1, height, width, 3] and answers with labels [1, height, width], as DeepLab does. Make
 * MODEL.qn from a frozen graph with `quench build GRAPH.pb -o MODEL.qn`.
 *
 * Uses: libquench, libquench-image.
 */
#include <quench/image.h>
#include <quench/quench.h>

#include <limits.h>
#include <stdio.h>

typedef struct network {
    qn_model *model;
    qn_engine *engine;
    qn_context *context;
} network;

static qn_status *open_network(const char *path, network *net) {
    qn_status *status = qn_model_load_file(path, NULL, &net->model);
    if (!status) status = qn_engine_create(net->model, NULL, &net->engine);
    if (!status) status = qn_context_create(net->engine, &net->context);
    if (status) return status;
    const qn_model_info *info = qn_model_get_info(net->model);
    const qn_value_info *input = qn_model_input(net->model, 0), *output = qn_model_output(net->model, 0);
    if (info->input_count != 1 || info->output_count != 1 || input->dtype != QN_DTYPE_U8 || input->rank != 4 ||
        input->dims[3] != 3 || output->rank != 3)
        return qn_status_create(QN_UNSUPPORTED,
                                "%s: expected one input uint8 [1, height, width, 3] and one output "
                                "[1, height, width]",
                                path);
    return NULL;
}

static void close_network(network *net) {
    qn_context_destroy(net->context);
    qn_engine_destroy(net->engine);
    qn_model_destroy(net->model);
}

/* A dim's bound as qn_image_range wants it: 0 for "none". */
static int to_bound(int64_t dim) { return dim > INT_MAX ? 0 : (int)dim; }

/* The photo at a size that the network takes. */
static qn_status *fit(const network *net, const qn_image *photo, qn_image *out_fitted) {
    const qn_value_info *input = qn_model_input(net->model, 0);
    const qn_image_range range = {.min_width = to_bound(input->min_dims[2]),
                                  .min_height = to_bound(input->min_dims[1]),
                                  .max_width = to_bound(input->max_dims[2]),
                                  .max_height = to_bound(input->max_dims[1])};
    qn_image_fit plan;
    qn_status *status = qn_image_fit_plan(QN_IMAGE_FIT_SHRINK, photo->width, photo->height, &range, &plan);
    if (status) return status;
    return qn_image_resize(photo, plan.width, plan.height, QN_IMAGE_BILINEAR, NULL, out_fitted);
}

/* Labels of `picture`, as large as the network answers. */
static qn_status *run(network *net, const qn_image *picture, qn_image *out_labels) {
    const qn_tensor input = {
        .dtype = QN_DTYPE_U8, .rank = 4, .dims = {1, picture->height, picture->width, 3}, .data = picture->data};
    qn_tensor output = {0};
    int rank;
    int64_t dims[QN_MAX_RANK];
    qn_status *status = qn_context_set_input_shape(net->context, 0, input.rank, input.dims);
    if (!status) status = qn_context_get_output_shape(net->context, 0, &rank, dims);
    if (!status) status = qn_tensor_init(qn_model_output(net->model, 0)->dtype, rank, dims, NULL, &output);
    if (!status) status = qn_context_run(net->context, &input, 1, &output, 1);
    if (!status) status = qn_image_from_labels(&output, 0, NULL, out_labels);
    qn_tensor_deinit(&output, NULL);
    return status;
}

static qn_status *segment(const char *model, const char *picture, const char *labels_path, const char *overlay_path,
                          const char *palette_name) {
    network net = {0};
    qn_image_palette palette = {0};
    qn_image photo = {0}, fitted = {0}, answer = {0}, labels = {0}, overlay = {0};
    qn_status *status = open_network(model, &net);
    if (!status) status = qn_image_palette_load(palette_name, NULL, &palette);
    if (!status) status = qn_image_load(picture, NULL, NULL, &photo);
    if (!status) status = fit(&net, &photo, &fitted);
    if (!status) status = run(&net, &fitted, &answer);
    if (!status) status = qn_image_resize(&answer, photo.width, photo.height, QN_IMAGE_NEAREST, NULL, &labels);
    if (!status) status = qn_image_overlay(&photo, &labels, &palette, 0.5f, NULL, &overlay);
    if (!status) status = qn_image_save_png(labels_path, &labels, &palette);
    if (!status) status = qn_image_save_png(overlay_path, &overlay, NULL);
    if (!status)
        printf("%s: %dx%d, run at %dx%d on %s\n", picture, photo.width, photo.height, fitted.width, fitted.height,
               qn_engine_cpu(net.engine));
    qn_image_deinit(&overlay);
    qn_image_deinit(&labels);
    qn_image_deinit(&answer);
    qn_image_deinit(&fitted);
    qn_image_deinit(&photo);
    qn_image_palette_deinit(&palette);
    close_network(&net);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: segment_picture MODEL.qn PICTURE LABELS.png OVERLAY.png [PALETTE]\n");
        return 2;
    }
    qn_status *status = segment(argv[1], argv[2], argv[3], argv[4], argc == 6 ? argv[5] : "voc");
    if (!status) return 0;
    fprintf(stderr, "segment_picture: %s\n", qn_status_message(status));
    qn_status_free(status);
    return 1;
}
