#include "score/map_scores.h"
#include "pictures/tensors.h"

#include <limits.h>
#include <stdlib.h>

enum { TRUTH, FIRST, SECOND, MAPS };

qn_status *map_scores_init(map_scores *scores, int classes) {
    *scores = (map_scores){.classes = classes ? classes : QN_IMAGE_CLASSES_MAX};
    scores->paired.classes = scores->classes;
    CLI_TRY(qn_image_confusion_create(scores->classes, NULL, &scores->first));
    return qn_image_confusion_create(scores->classes, NULL, &scores->second);
}

void map_scores_deinit(map_scores *scores) {
    for (int m = 0; m < MAPS; m++) free(scores->maps[m].data);
    qn_image_confusion_destroy(scores->first);
    qn_image_confusion_destroy(scores->second);
    paired_scores_deinit(&scores->paired);
    *scores = (map_scores){0};
}

/* Room for `count` labels in a row; the confusion asks no more of a picture than that all have one size. */
static qn_status *make_room(map_scores *scores, size_t count) {
    for (int m = 0; m < MAPS; m++) {
        if (scores->maps[m].data && scores->maps[m].width == (int)count) continue;
        free(scores->maps[m].data);
        scores->maps[m] =
            (qn_image){.width = (int)count, .height = 1, .channels = 1, .stride_bytes = count, .data = malloc(count)};
        if (!scores->maps[m].data) return cli_out_of_memory();
    }
    return NULL;
}

static void put_label(map_scores *scores, int map, size_t index, int64_t label) {
    scores->is_off |= label < 0 || label > UINT8_MAX;
    scores->maps[map].data[index] = (uint8_t)label;
}

qn_status *map_scores_add(map_scores *scores, const qn_tensor *truth, const int64_t *first, const int64_t *second,
                          size_t count) {
    if (!count || count > INT_MAX) scores->is_off = 1;
    if (scores->is_off) return NULL;
    CLI_TRY(make_room(scores, count));
    for (size_t i = 0; i < count; i++) {
        const int64_t label = cli_tensor_integer(truth, i);
        put_label(scores, TRUTH, i, label < 0 ? QN_IMAGE_IGNORE_LABEL : label);
        put_label(scores, FIRST, i, first[i]);
        if (second) put_label(scores, SECOND, i, second[i]);
    }
    if (scores->is_off) return NULL;
    const qn_image *maps = scores->maps;
    CLI_TRY(qn_image_confusion_add(scores->first, &maps[TRUTH], &maps[FIRST]));
    if (!second) return NULL;
    CLI_TRY(qn_image_confusion_add(scores->second, &maps[TRUTH], &maps[SECOND]));
    return paired_scores_add(&scores->paired, &maps[TRUTH], &maps[FIRST], &maps[SECOND]);
}

qn_status *map_scores_finish(map_scores *scores) {
    if (scores->is_off || !scores->paired.count) return NULL;
    return paired_scores_compare(&scores->paired, &scores->difference);
}
