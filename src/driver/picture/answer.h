/* driver/picture/answer.h - what an output says of a picture or of its pixels, told from the graph. */
#ifndef QN_DRIVER_PICTURE_ANSWER_H
#define QN_DRIVER_PICTURE_ANSWER_H

#include "ir/graph.h"

typedef enum qn_answer_kind {
    QN_ANSWER_LABELS,     /* whole numbers */
    QN_ANSWER_LOGITS,     /* a score for each class along `axis`; the greatest wins */
    QN_ANSWER_FOREGROUND, /* one number: class 1 where it is above `threshold`, else class 0 */
    QN_ANSWER_SCORES      /* a score for each class of the whole picture, along the last axis */
} qn_answer_kind;

typedef struct qn_answer {
    qn_answer_kind kind;
    int axis;            /* of the classes or of the only channel; -1: there is none */
    int64_t class_count; /* 0: unknown */
    double threshold;
    int is_bounded; /* the graph keeps it within `low` and `high`, and `threshold` is their middle */
    double low, high;
} qn_answer;

/* Reads an output of a network whose picture is `input`: [N, H, W] or [H, W] with or without an axis of classes. Scores
   of one class mean two classes: probabilities, which end in a sigmoid or come from a softmax, are parted at 0.5, what
   the graph keeps within other bounds in their middle, and what has no bounds at 0. The graph is inferred. */
qn_answer qn_answer_of(const qn_graph *graph, const qn_value *input, const qn_value *output);

/* Are the elements labels that the graph makes: an argmax or a comparison, moved and converted at most? */
int qn_answer_is_label_map(const qn_graph *graph, const qn_value *input, const qn_value *output);

/* Reads every element of `output` as parting two classes. */
void qn_answer_part(const qn_value *output, qn_answer *answer);

#endif
