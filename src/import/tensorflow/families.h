/* import/tensorflow/families.h - the conversions that rows of map.def name, by the file that holds them. */
#ifndef QN_IMPORT_TENSORFLOW_FAMILIES_H
#define QN_IMPORT_TENSORFLOW_FAMILIES_H

#include "import/common/convert.h"
#include "import/tensorflow/importer.h"

/* Conversions that other formats have too (import/common/convert.h), by the names that rows of map.def use. */
#define qn_tf_convert_straight     qn_convert_straight
#define qn_tf_convert_forward      qn_convert_forward
#define qn_tf_convert_forward_all  qn_convert_forward_all
#define qn_tf_convert_nothing      qn_convert_nothing
#define qn_tf_convert_reciprocal   qn_convert_reciprocal
#define qn_tf_convert_truncate_mod qn_convert_truncated_mod

/* elementwise.c */
qn_convert qn_tf_convert_add_n, qn_tf_convert_select, qn_tf_convert_like, qn_tf_convert_log_softmax,
    qn_tf_convert_softmax;
/* control.c */
qn_convert qn_tf_convert_const, qn_tf_convert_assert;
/* conv.c */
qn_convert qn_tf_convert_conv2d, qn_tf_convert_depthwise, qn_tf_convert_pool, qn_tf_convert_max_pool_v2,
    qn_tf_convert_bias_add, qn_tf_convert_batch_norm, qn_tf_convert_matmul, qn_tf_convert_block;
/* shape.c */
qn_convert qn_tf_convert_concat, qn_tf_convert_expand_dims, qn_tf_convert_gather, qn_tf_convert_gather_v2,
    qn_tf_convert_mirror_pad, qn_tf_convert_pack, qn_tf_convert_reverse, qn_tf_convert_shape,
    qn_tf_convert_space_batch_2d, qn_tf_convert_split, qn_tf_convert_split_v, qn_tf_convert_squeeze,
    qn_tf_convert_unpack;
/* reduce.c */
qn_convert qn_tf_convert_reduce;
/* resize.c */
qn_convert qn_tf_convert_resize_bilinear, qn_tf_convert_crop_and_resize, qn_tf_convert_nms, qn_tf_convert_nms_inputs;
/* quant.c */
qn_convert qn_tf_convert_dequantize, qn_tf_convert_fake_quant_args;

#endif
