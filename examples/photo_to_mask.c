/* photo_to_mask MODEL.qn PICTURE MASK.png - labels every pixel of a picture. Uses: libquench-vision. */
#include <quench/vision.h>
#include <stdio.h>
int main(int argc, char **argv) {
    qn_segmenter *segmenter = NULL;
    qn_image photo = {0}, mask = {0};
    if (argc != 4) return fprintf(stderr, "usage: photo_to_mask MODEL.qn PICTURE MASK.png\n"), 2;
    qn_status *status = qn_segmenter_open(argv[1], NULL, &segmenter);
    if (!status) status = qn_image_load(argv[2], NULL, NULL, &photo);
    if (!status) status = qn_segmenter_run(segmenter, &photo, 0, 0, &mask, NULL);
    if (!status) status = qn_image_save_png(argv[3], &mask, qn_segmenter_palette(segmenter));
    return status ? fprintf(stderr, "photo_to_mask: %s\n", qn_status_message(status)), 1 : 0;
}
