#!/usr/bin/env python3
"""Writes tensorflow_cases.bin: one tiny frozen graph per TensorFlow operator, with inputs and TensorFlow's own answers.

Run with a Python that has TensorFlow (development only; the file it writes is committed):
    python3 tests/import/make_cases.py tests/import/tensorflow_cases.bin
tensorflow_ops_test.c reads the file; its format is what write_case() below writes, little endian.
"""
import os
import struct
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import numpy as np
import tensorflow as tf

raw = tf.raw_ops
rng = np.random.RandomState(7)
DTYPES = {"float32": 1, "float64": 2, "float16": 3, "bfloat16": 4, "int8": 5, "uint8": 6, "int16": 7, "uint16": 8,
          "int32": 9, "uint32": 10, "int64": 11, "uint64": 12, "bool": 13, "qint8": 5, "quint8": 6, "qint32": 9}
cases = []


class Build:
    """A graph under construction, with what is fed to it."""

    def __init__(self):
        self.feeds = {}

    def ph(self, value, name="x"):
        value = np.asarray(value)
        tensor = tf.compat.v1.placeholder(value.dtype, value.shape, name=name)
        self.feeds[tensor] = value
        return tensor


def case(name, build, reference=None):
    """build(b) gives the output tensors; reference(b), where given, a computation that TensorFlow can run on this CPU."""
    proto, feeds, names, answers = trace(build, reference is None)
    if reference:
        answers = trace(reference, True)[3]
    cases.append((name, proto, feeds, list(zip(names, answers))))


def trace(function, run):
    with tf.Graph().as_default() as graph:
        b = Build()
        outputs = function(b)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        with tf.compat.v1.Session(graph=graph) as session:
            answers = session.run(outputs, b.feeds) if run else None
        feeds = [(tensor.op.name, value) for tensor, value in b.feeds.items()]
        return graph.as_graph_def().SerializeToString(), feeds, [t.name for t in outputs], answers


def f(*shape, low=-2.0, high=2.0):
    return rng.uniform(low, high, shape).astype(np.float32)


def unary_cases():
    wide = np.array([-7.5, -2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 5.9, 6.0, 7.25], np.float32)
    positive = np.array([0.01, 0.5, 1.0, 2.0, 9.0], np.float32)
    for op in ["Abs", "Ceil", "Elu", "Exp", "Floor", "Neg", "Relu", "Relu6", "Rint", "Round", "Sigmoid", "Sign", "Softplus",
               "Square", "Tanh", "Identity", "Snapshot", "StopGradient", "PreventGradient", "OnesLike", "ZerosLike"]:
        arg = {"Elu": "features", "Relu": "features", "Relu6": "features", "Softplus": "features", "Identity": "input",
               "Snapshot": "input", "StopGradient": "input", "PreventGradient": "input"}.get(op, "x")
        case(op, lambda b, op=op, arg=arg: getattr(raw, op)(**{arg: b.ph(wide)}))
    for op in ["Log", "Sqrt", "Rsqrt", "Reciprocal", "Inv"]:
        case(op, lambda b, op=op: getattr(raw, op)(x=b.ph(positive)))
    case("LeakyRelu", lambda b: raw.LeakyRelu(features=b.ph(wide), alpha=0.1))
    case("LeakyRelu default", lambda b: raw.LeakyRelu(features=b.ph(wide)))
    case("CheckNumerics", lambda b: raw.CheckNumerics(tensor=b.ph(positive), message="m"))
    case("EnsureShape", lambda b: raw.EnsureShape(input=b.ph(positive), shape=[5]))
    case("LogicalNot", lambda b: raw.LogicalNot(x=b.ph(np.array([True, False]))))
    case("Softmax", lambda b: raw.Softmax(logits=b.ph(f(2, 3, 5))))
    case("LogSoftmax", lambda b: raw.LogSoftmax(logits=b.ph(np.array([[1, 2, 300], [-5, 0, 5]], np.float32))))
    case("IdentityN", lambda b: raw.IdentityN(input=[b.ph(wide, "a"), b.ph(positive, "b")]))


def binary_cases():
    a, c = f(2, 1, 3), f(4, 3, low=0.5)
    for op in ["Add", "AddV2", "Sub", "Mul", "Div", "RealDiv", "Maximum", "Minimum", "SquaredDifference", "Less", "LessEqual",
               "Greater", "GreaterEqual", "FloorDiv", "FloorMod"]:
        case(op, lambda b, op=op: getattr(raw, op)(x=b.ph(a, "a"), y=b.ph(c, "c")))
    case("Pow", lambda b: raw.Pow(x=b.ph(np.abs(a), "a"), y=b.ph(c, "c")))
    i, j = np.array([-7, -6, 7, 6, 0, 5], np.int32), np.array([3, -4, -3, 4, 2, 5], np.int32)
    for op in ["Add", "Div", "TruncateDiv", "FloorDiv", "FloorMod", "TruncateMod", "Mod", "Equal", "NotEqual"]:
        case(op + " int32", lambda b, op=op: getattr(raw, op)(x=b.ph(i, "a"), y=b.ph(j, "c")))
    p, q = np.array([True, True, False, False]), np.array([True, False, True, False])
    for op in ["LogicalAnd", "LogicalOr"]:
        case(op, lambda b, op=op: getattr(raw, op)(x=b.ph(p, "a"), y=b.ph(q, "c")))
    case("AddN", lambda b: raw.AddN(inputs=[b.ph(f(3), "a"), b.ph(f(3), "b"), b.ph(f(3), "c")]))
    case("AddN of one", lambda b: raw.AddN(inputs=[b.ph(f(3), "a")]))
    case("BiasAdd", lambda b: raw.BiasAdd(value=b.ph(f(1, 2, 2, 3)), bias=tf.constant(f(3))))
    bias = f(3)
    x = f(2, 3, 2, 2)
    case("BiasAdd NCHW", lambda b: raw.BiasAdd(value=b.ph(x), bias=tf.constant(bias), data_format="NCHW"),
         lambda b: b.ph(x) + tf.constant(bias.reshape(3, 1, 1)))
    case("BiasAddV1", lambda b: raw.BiasAddV1(value=b.ph(f(2, 3)), bias=tf.constant(f(3))))
    case("Select", lambda b: raw.Select(condition=b.ph(p, "p"), x=b.ph(f(4), "a"), y=b.ph(f(4), "c")))
    case("Select rows", lambda b: raw.Select(condition=b.ph(p, "p"), x=b.ph(f(4, 2, 3), "a"), y=b.ph(f(4, 2, 3), "c")))
    case("Select rows constant", lambda b: raw.Select(condition=tf.constant(p), x=b.ph(f(4, 2), "a"), y=b.ph(f(4, 2), "c")))
    case("Select scalar", lambda b: raw.Select(condition=b.ph(np.array(False), "p"), x=b.ph(f(4), "a"), y=b.ph(f(4), "c")))
    case("SelectV2", lambda b: raw.SelectV2(condition=b.ph(p, "p"), t=b.ph(f(3, 4), "a"), e=tf.constant(1.5)))
    case("Cast", lambda b: raw.Cast(x=b.ph(np.array([-1.7, 0.0, 2.9], np.float32)), DstT=tf.int32))
    case("Cast uint8", lambda b: raw.Cast(x=b.ph(np.array([0, 7, 255], np.uint8)), DstT=tf.float32))
    case("Cast bool", lambda b: raw.Cast(x=b.ph(np.array([0, 7, -1], np.int32)), DstT=tf.bool))


def const_cases():
    for dtype in [np.float16, tf.bfloat16.as_numpy_dtype, np.float64, np.int8, np.uint8, np.int16, np.uint16, np.int64]:
        value = np.array([[1, 2, 3], [4, 5, 6]]).astype(dtype)
        case("Const %s" % np.dtype(dtype).name,
             lambda b, value=value: raw.Add(x=b.ph(f(2, 3)), y=raw.Cast(x=tf.constant(value), DstT=tf.float32)))
    case("Const half of one value", lambda b: raw.Add(x=b.ph(f(2, 3)), y=raw.Cast(
        x=tf.constant(1.5, tf.float16, [2, 3]), DstT=tf.float32)))
    case("Const of one value", lambda b: raw.Mul(x=b.ph(f(2, 3)), y=tf.constant(-2.5, tf.float32, [2, 3])))
    case("Const as output", lambda b: [raw.Neg(x=b.ph(f(2))), tf.constant([1.0, 2.0])])
    case("PlaceholderWithDefault", lambda b: raw.Add(x=b.ph(f(3)), y=tf.compat.v1.placeholder_with_default(
        tf.constant([1.0, 2.0, 3.0]), [3])))


def conv_cases():
    x, w = f(2, 7, 6, 4), f(3, 2, 4, 5)
    nchw = x.transpose(0, 3, 1, 2).copy()
    for padding in ["SAME", "VALID"]:
        for strides, dilations in [([1, 1], [1, 1]), ([2, 3], [1, 1]), ([1, 1], [2, 2])]:
            case("Conv2D %s %s %s" % (padding, strides, dilations), lambda b: raw.Conv2D(
                input=b.ph(x), filter=tf.constant(w), strides=[1] + strides + [1], padding=padding,
                dilations=[1] + dilations + [1]))
    case("Conv2D EXPLICIT", lambda b: raw.Conv2D(input=b.ph(x), filter=tf.constant(w), strides=[1, 2, 1, 1],
                                                 padding="EXPLICIT", explicit_paddings=[0, 0, 2, 1, 0, 3, 0, 0]))
    case("Conv2D fed filter", lambda b: raw.Conv2D(input=b.ph(x), filter=b.ph(w, "w"), strides=[1, 1, 1, 1], padding="SAME"))

    def conv_nchw(b):
        return raw.Conv2D(input=b.ph(nchw), filter=tf.constant(w), strides=[1, 1, 2, 1], padding="EXPLICIT",
                          explicit_paddings=[0, 0, 0, 0, 2, 1, 0, 3], data_format="NCHW")

    def conv_nhwc(b):
        y = raw.Conv2D(input=tf.transpose(b.ph(nchw), [0, 2, 3, 1]), filter=tf.constant(w), strides=[1, 2, 1, 1],
                       padding="EXPLICIT", explicit_paddings=[0, 0, 2, 1, 0, 3, 0, 0])
        return tf.transpose(y, [0, 3, 1, 2])
    case("Conv2D NCHW", conv_nchw, conv_nhwc)
    grouped = f(3, 2, 2, 6)

    def groups(b):
        t = b.ph(x)
        return tf.concat([tf.nn.conv2d(t[..., :2], grouped[..., :3], 1, "SAME"),
                          tf.nn.conv2d(t[..., 2:], grouped[..., 3:], 1, "SAME")], 3)
    case("Conv2D groups", lambda b: raw.Conv2D(input=b.ph(x), filter=tf.constant(grouped), strides=[1, 1, 1, 1],
                                               padding="SAME"), groups)
    for multiplier in [1, 3]:
        d = f(3, 3, 4, multiplier)
        case("DepthwiseConv2dNative %d" % multiplier, lambda b: raw.DepthwiseConv2dNative(
            input=b.ph(x), filter=tf.constant(d), strides=[1, 2, 2, 1], padding="SAME"))
    d = f(3, 3, 4, 1)
    case("DepthwiseConv2dNative dilated", lambda b: raw.DepthwiseConv2dNative(
        input=b.ph(x), filter=tf.constant(d), strides=[1, 1, 1, 1], padding="VALID", dilations=[1, 2, 2, 1]),
        lambda b: tf.nn.convolution(b.ph(x), tf.constant(np.concatenate(
            [np.where(np.arange(4)[:, None] == c, d[:, :, c:c + 1], 0) for c in range(4)], 3)), dilations=[2, 2]))
    case("DepthwiseConv2dNative NCHW", lambda b: raw.DepthwiseConv2dNative(
        input=b.ph(nchw), filter=tf.constant(d), strides=[1, 1, 2, 2], padding="SAME", data_format="NCHW"),
        lambda b: tf.transpose(raw.DepthwiseConv2dNative(
            input=tf.transpose(b.ph(nchw), [0, 2, 3, 1]), filter=tf.constant(d), strides=[1, 2, 2, 1], padding="SAME"),
            [0, 3, 1, 2]))
    case("DepthwiseConv2dNative fed filter", lambda b: raw.DepthwiseConv2dNative(
        input=b.ph(x), filter=b.ph(f(3, 3, 4, 2), "w"), strides=[1, 1, 1, 1], padding="VALID"))
    for op, arg in [("MaxPool", "input"), ("AvgPool", "value")]:
        for padding in ["SAME", "VALID"]:
            case("%s %s" % (op, padding), lambda b: getattr(raw, op)(
                **{arg: b.ph(x)}, ksize=[1, 3, 2, 1], strides=[1, 2, 2, 1], padding=padding))
    case("MaxPoolV2", lambda b: raw.MaxPoolV2(input=b.ph(x), ksize=[1, 2, 2, 1], strides=[1, 2, 1, 1], padding="VALID"))
    case("MaxPool EXPLICIT", lambda b: raw.MaxPool(input=b.ph(x), ksize=[1, 3, 2, 1], strides=[1, 2, 2, 1], padding="EXPLICIT",
                                                   explicit_paddings=[0, 0, 1, 2, 1, 0, 0, 0]))
    case("MaxPool NCHW", lambda b: raw.MaxPool(input=b.ph(nchw), ksize=[1, 1, 3, 2], strides=[1, 1, 2, 2], padding="SAME",
                                               data_format="NCHW"),
         lambda b: tf.transpose(raw.MaxPool(input=tf.transpose(b.ph(nchw), [0, 2, 3, 1]), ksize=[1, 3, 2, 1],
                                            strides=[1, 2, 2, 1], padding="SAME"), [0, 3, 1, 2]))
    stats = [f(4), f(4), f(4), f(4, low=0.1)]
    for op in ["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"]:
        case(op, lambda b: getattr(raw, op)(x=b.ph(x), scale=stats[0], offset=stats[1], mean=stats[2], variance=stats[3],
                                            epsilon=0.01, is_training=False)[0])
    case("FusedBatchNorm NCHW", lambda b: raw.FusedBatchNorm(
        x=b.ph(nchw), scale=stats[0], offset=stats[1], mean=stats[2], variance=stats[3], data_format="NCHW",
        is_training=False)[0],
        lambda b: tf.transpose(raw.FusedBatchNorm(x=tf.transpose(b.ph(nchw), [0, 2, 3, 1]), scale=stats[0], offset=stats[1],
                                                  mean=stats[2], variance=stats[3], is_training=False)[0], [0, 3, 1, 2]))
    case("MatMul", lambda b: raw.MatMul(a=b.ph(f(3, 4)), b=tf.constant(f(4, 5))))
    case("MatMul transposed", lambda b: raw.MatMul(a=b.ph(f(4, 3)), b=tf.constant(f(5, 4)), transpose_a=True, transpose_b=True))
    case("BatchMatMul", lambda b: raw.BatchMatMul(x=b.ph(f(2, 3, 4)), y=b.ph(f(2, 5, 4), "y"), adj_y=True))
    case("BatchMatMulV2", lambda b: raw.BatchMatMulV2(x=b.ph(f(2, 1, 4, 3)), y=b.ph(f(3, 4, 5), "y"), adj_x=True))
    case("DepthToSpace", lambda b: raw.DepthToSpace(input=b.ph(f(1, 2, 3, 8)), block_size=2))
    case("SpaceToDepth", lambda b: raw.SpaceToDepth(input=b.ph(f(1, 4, 6, 2)), block_size=2))


def shape_cases():
    x = f(2, 3, 4)
    case("Reshape", lambda b: raw.Reshape(tensor=b.ph(x), shape=[4, -1]))
    case("Squeeze", lambda b: raw.Squeeze(input=b.ph(f(1, 3, 1, 2))))
    case("Squeeze axes", lambda b: raw.Squeeze(input=b.ph(f(1, 3, 1, 2)), axis=[-2]))
    case("ExpandDims", lambda b: raw.ExpandDims(input=b.ph(x), axis=1))
    case("ExpandDims last", lambda b: raw.ExpandDims(input=b.ph(x), axis=-1))
    case("ConcatV2", lambda b: raw.ConcatV2(values=[b.ph(x, "a"), b.ph(f(2, 1, 4), "c")], axis=-2))
    case("Concat", lambda b: raw.Concat(concat_dim=2, values=[b.ph(x, "a"), b.ph(f(2, 3, 2), "c")]))
    case("Pack", lambda b: raw.Pack(values=[b.ph(x, "a"), b.ph(x + 1, "c")], axis=-1))
    case("Unpack", lambda b: raw.Unpack(value=b.ph(x), num=3, axis=1))
    case("Unpack last", lambda b: raw.Unpack(value=b.ph(x), num=4, axis=-1)[1:3])
    case("Split", lambda b: raw.Split(axis=-1, value=b.ph(x), num_split=2))
    case("Split of one", lambda b: raw.Split(axis=0, value=b.ph(x), num_split=1))
    case("SplitV", lambda b: raw.SplitV(value=b.ph(x), size_splits=[1, -1, 1], axis=2, num_split=3))
    case("Slice", lambda b: raw.Slice(input=b.ph(x), begin=[0, 1, 2], size=[2, -1, 1]))
    for key, slices in [("plain", np.s_[0:2, 1:3, ::2]), ("shrink", np.s_[1, ..., -1]), ("new axis", np.s_[:, None, 1:, -3:-1]),
                        ("reverse", np.s_[:, ::-1])]:
        case("StridedSlice " + key, lambda b: b.ph(x)[slices])
    case("Pad", lambda b: raw.Pad(input=b.ph(x), paddings=[[0, 0], [1, 2], [3, 0]]))
    case("PadV2", lambda b: raw.PadV2(input=b.ph(x), paddings=[[0, 0], [1, 2], [3, 0]], constant_values=-1.5))
    for mode in ["REFLECT", "SYMMETRIC"]:
        case("MirrorPad " + mode, lambda b: raw.MirrorPad(input=b.ph(x), paddings=[[0, 0], [1, 2], [3, 0]], mode=mode))
    case("Tile", lambda b: raw.Tile(input=b.ph(x), multiples=[1, 2, 3]))
    case("Transpose", lambda b: raw.Transpose(x=b.ph(x), perm=[2, 0, 1]))
    case("ReverseV2", lambda b: raw.ReverseV2(tensor=b.ph(x), axis=[-1, 0]))
    case("Fill", lambda b: raw.Add(x=b.ph(f(2, 3)), y=raw.Fill(dims=[2, 3], value=1.25)))
    case("Range", lambda b: raw.Add(x=b.ph(np.arange(4, dtype=np.int32)), y=raw.Range(start=10, limit=2, delta=-2)))
    case("Shape", lambda b: raw.Shape(input=b.ph(x)))
    case("Shape int64", lambda b: raw.Shape(input=b.ph(x), out_type=tf.int64))
    case("ShapeN", lambda b: raw.ShapeN(input=[b.ph(x, "a"), b.ph(f(5), "c")]))
    case("Size", lambda b: raw.Size(input=b.ph(x)))
    case("Rank", lambda b: raw.Rank(input=b.ph(x)))
    case("Gather", lambda b: raw.Gather(params=b.ph(x), indices=[1, 0, 1]))
    case("GatherV2", lambda b: raw.GatherV2(params=b.ph(x), indices=b.ph(np.array([[2, 0]], np.int64), "i"), axis=-2))
    case("Where", lambda b: raw.Where(condition=b.ph(np.array([[True, False], [False, True]]))))
    grid = f(2, 4, 6, 3)
    case("SpaceToBatchND", lambda b: raw.SpaceToBatchND(input=b.ph(grid), block_shape=[2, 3], paddings=[[1, 1], [0, 3]]))
    case("BatchToSpaceND", lambda b: raw.BatchToSpaceND(input=b.ph(f(6, 2, 3, 1)), block_shape=[2, 3], crops=[[1, 0], [0, 2]]))
    case("SpaceToBatch", lambda b: raw.SpaceToBatch(input=b.ph(grid), paddings=[[0, 0], [1, 1]], block_size=2))
    case("BatchToSpace", lambda b: raw.BatchToSpace(input=b.ph(f(4, 2, 3, 1)), crops=[[0, 1], [1, 0]], block_size=2))


def reduce_cases():
    x = f(2, 3, 4)
    for op in ["Max", "Mean", "Min", "Prod", "Sum"]:
        case(op, lambda b, op=op: getattr(raw, op)(input=b.ph(x), axis=[-1, 0]))
        case(op + " keep", lambda b, op=op: getattr(raw, op)(input=b.ph(x), axis=1, keep_dims=True))
    flags = np.array([[True, False, True], [True, True, True]])
    for op in ["All", "Any"]:
        case(op, lambda b, op=op: getattr(raw, op)(input=b.ph(flags), axis=[1]))
    for op in ["ArgMax", "ArgMin"]:
        case(op, lambda b, op=op: getattr(raw, op)(input=b.ph(x), dimension=-2))
        case(op + " int32", lambda b, op=op: getattr(raw, op)(input=b.ph(x), dimension=2, output_type=tf.int32))


def picture_cases():
    x = f(1, 4, 5, 2)
    for op in ["ResizeBilinear", "ResizeNearestNeighbor"]:
        for keys in [{}, {"align_corners": True}, {"half_pixel_centers": True}]:
            case("%s %s" % (op, " ".join(keys)), lambda b: getattr(raw, op)(images=b.ph(x), size=[7, 3], **keys))
    pixels = rng.randint(0, 256, (1, 4, 5, 3)).astype(np.uint8)
    case("ResizeBilinear uint8", lambda b: raw.ResizeBilinear(images=b.ph(pixels), size=[7, 9]))
    case("ResizeNearestNeighbor uint8", lambda b: raw.ResizeNearestNeighbor(images=b.ph(pixels), size=[7, 9]))
    boxes = np.array([[0.1, 0.2, 0.8, 0.9], [0.5, 0.5, 1.5, 1.2], [0.9, 0.1, 0.2, 0.7]], np.float32)
    for method in ["bilinear", "nearest"]:
        case("CropAndResize " + method, lambda b: raw.CropAndResize(
            image=b.ph(f(2, 6, 7, 2)), boxes=b.ph(boxes, "boxes"), box_ind=[0, 1, 1], crop_size=[3, 4], method=method,
            extrapolation_value=-3.0))
    many = np.sort(rng.uniform(0, 1, (12, 2, 2)), axis=1).reshape(12, 4).astype(np.float32)
    scores = rng.permutation(12).astype(np.float32)
    nms = {"max_output_size": 5}
    case("NonMaxSuppression", lambda b: raw.NonMaxSuppression(boxes=b.ph(many, "b"), scores=b.ph(scores, "s"),
                                                              iou_threshold=0.3, **nms))
    case("NonMaxSuppressionV2", lambda b: raw.NonMaxSuppressionV2(boxes=b.ph(many, "b"), scores=b.ph(scores, "s"),
                                                                  iou_threshold=0.3, **nms))
    case("NonMaxSuppressionV3", lambda b: raw.NonMaxSuppressionV3(boxes=b.ph(many, "b"), scores=b.ph(scores, "s"),
                                                                  iou_threshold=0.3, score_threshold=4.0, **nms))


def quant_cases():
    bytes_ = np.array([0, 1, 17, 128, 200, 255], np.uint8)
    for mode in ["MIN_COMBINED", "MIN_FIRST", "SCALED"]:
        for kind in [tf.quint8, tf.qint8]:
            case("Dequantize %s %s" % (mode, kind.name), lambda b: raw.Add(x=b.ph(f(6)), y=raw.Dequantize(
                input=constant_of(bytes_, kind), min_range=-1.3, max_range=2.9, mode=mode)))
    case("Dequantize SCALED axis", lambda b: raw.Add(x=b.ph(f(2, 3)), y=raw.Dequantize(
        input=constant_of(bytes_.reshape(2, 3), tf.qint8), min_range=[-1.0, -2.0, -3.0], max_range=[1.5, 2.5, 3.5],
        mode="SCALED", axis=1, narrow_range=True)))
    x = f(3, 4, low=-9, high=9)
    case("FakeQuantWithMinMaxArgs", lambda b: raw.FakeQuantWithMinMaxArgs(inputs=b.ph(x), min=-3.1, max=4.7, num_bits=4))
    case("FakeQuantWithMinMaxArgs default", lambda b: raw.FakeQuantWithMinMaxArgs(inputs=b.ph(x)))
    case("FakeQuantWithMinMaxVars", lambda b: raw.FakeQuantWithMinMaxVars(inputs=b.ph(x), min=0.5, max=7.0, narrow_range=True))
    case("FakeQuantWithMinMaxVarsPerChannel", lambda b: raw.FakeQuantWithMinMaxVarsPerChannel(
        inputs=b.ph(x), min=[-1.0, 0.0, -5.0, -9.0], max=[1.0, 3.0, 5.0, -0.5]))


def constant_of(values, kind):
    """A Const of a quantised type, as frozen graphs hold them."""
    proto = tf.compat.v1.AttrValue()
    proto.tensor.dtype = kind.as_datatype_enum
    for size in values.shape:
        proto.tensor.tensor_shape.dim.add().size = size
    proto.tensor.tensor_content = values.tobytes()
    dtype = tf.compat.v1.AttrValue()
    dtype.type = kind.as_datatype_enum
    graph = tf.compat.v1.get_default_graph()
    return graph.create_op("Const", [], [kind], attrs={"value": proto, "dtype": dtype}, name="stored").outputs[0]


def function_cases():
    @tf.function
    def inner(a, c):
        return a * c + 1.0, a - c

    @tf.function
    def outer(a, c):
        total, difference = inner(a, c)
        return inner(total, difference)[0]

    def build(b):
        a, c = b.ph(f(3), "a"), b.ph(f(3), "c")
        concrete = outer.get_concrete_function(tf.TensorSpec([3]), tf.TensorSpec([3]))
        return tf.identity(concrete(a, c), "result")
    case("PartitionedCall", build)

    def asserted(b):
        x = b.ph(f(3))
        with tf.control_dependencies([tf.compat.v1.Assert(tf.size(x) < 10, ["too", "large"])]):
            return tf.identity(x * 2.0)
    case("Assert", asserted)


def later_cases():
    """Operators that came later, so that the random numbers of the others stay."""
    case("Selu", lambda b: raw.Selu(features=b.ph(np.array([-7.5, -0.5, 0.0, 0.5, 7.25], np.float32))))
    case("Cumsum", lambda b: raw.Cumsum(x=b.ph(f(2, 3, 4)), axis=tf.constant(-2)))
    case("Cumsum reverse", lambda b: raw.Cumsum(x=b.ph(f(2, 3, 4)), axis=tf.constant(2), reverse=True, exclusive=True))


def put_text(out, text):
    out += [struct.pack("<I", len(text)), text.encode()]


def put_array(out, name, array):
    array = np.array(array, order="C")
    put_text(out, name)
    out += [struct.pack("<II", DTYPES[array.dtype.name], array.ndim), struct.pack("<%dq" % array.ndim, *array.shape),
            struct.pack("<I", array.nbytes), array.tobytes()]


def write_case(out, name, proto, inputs, outputs):
    put_text(out, name)
    out += [struct.pack("<I", len(proto)), proto, struct.pack("<I", len(inputs))]
    for key, array in inputs:
        put_array(out, key, array)
    out.append(struct.pack("<I", len(outputs)))
    for key, array in outputs:
        put_array(out, key, np.asarray(array))


def main():
    for group in [unary_cases, binary_cases, const_cases, conv_cases, shape_cases, reduce_cases, picture_cases, quant_cases,
                  function_cases, later_cases]:
        group()
    out = [b"QNTC", struct.pack("<I", len(cases))]
    for entry in cases:
        write_case(out, *entry)
    with open(sys.argv[1], "wb") as file:
        file.write(b"".join(out))
    print(len(cases), "cases")


main()
