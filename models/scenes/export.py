"""Writes trained weights as two frozen graphs.

`scenes.pb` has the nodes of DeepLab's own graph: a padded picture, fixed maps, batch norm folded. In
`scenes_dynamic.pb` batch, height and width stay free, so that paddings, crops and sizes are computed inside.
"""

import os

import numpy as np
import tensorflow as tf

import model

v1, raw = tf.compat.v1, tf.raw_ops
MAP = (model.CROP - 1) // model.STRIDE + 1

# Batch norms that the dynamic graph keeps: after the layer or, for an atrous layer, before its BatchToSpaceND.
KEPT_FUSED = {"MobilenetV2/Conv", "MobilenetV2/expanded_conv_9/depthwise"}
KEPT_BETWEEN = {"MobilenetV2/expanded_conv_7/depthwise"}
KEPT_SPELLED = {"aspp1"}


class Frozen:
    """Nodes of a layer; what depends on the maps' sizes is left to the two classes below."""

    kept = set()

    def __init__(self, weights):
        self.arrays = weights

    def folded(self, scope):
        """Scale and offset of a layer's batch norm."""
        gamma, beta, mean, variance = self.norm(scope)
        scale = gamma / np.sqrt(variance + model.EPSILON)
        return scale, beta - mean * scale

    def norm(self, scope):
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        return [self.arrays[f"{scope}/BatchNorm/{n}"].astype(np.float64) for n in names]

    def norm_nodes(self, scope):
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        values = self.norm(scope)
        return [tf.constant(v.astype(np.float32), name=f"{scope}/BatchNorm/{n}") for n, v in zip(names, values)]

    def batch_norm(self, x, scope):
        """A batch norm that is kept, as one node or spelled out."""
        gamma, beta, mean, variance = self.norm_nodes(scope)
        if scope not in KEPT_SPELLED:
            return raw.FusedBatchNormV3(x=x, scale=gamma, offset=beta, mean=mean, variance=variance, is_training=False,
                                        epsilon=model.EPSILON, name=f"{scope}/BatchNorm/FusedBatchNormV3").y
        with v1.name_scope(f"{scope}/BatchNorm/"):
            return tf.nn.batch_normalization(x, mean, variance, beta, gamma, model.EPSILON)

    def finish(self, x, scope, norm, act):
        """Bias, folded or kept batch norm, then the activation."""
        if not norm:
            bias = tf.constant(self.arrays[f"{scope}/biases"], name=f"{scope}/biases")
            x = raw.BiasAdd(value=x, bias=bias, name=f"{scope}/BiasAdd")
        elif scope not in self.kept:
            bias = tf.constant(self.folded(scope)[1].astype(np.float32), name=f"{scope}/Conv2D_bn_offset")
            x = raw.BiasAdd(value=x, bias=bias, name=f"{scope}/BatchNorm/FusedBatchNorm")
        elif scope not in KEPT_BETWEEN:
            x = self.batch_norm(x, scope)
        return getattr(raw, act)(features=x, name=f"{scope}/{act}") if act else x

    def conv(self, x, scope, inputs, outputs, kernel=1, stride=1, rate=1, norm=True, act=None):
        w = self.arrays[f"{scope}/weights"]
        if norm and scope not in self.kept:
            w = (w * self.folded(scope)[0]).astype(np.float32)
        weights = tf.constant(w, name=f"{scope}/weights")
        name = f"{scope}/Conv2D"

        def op(t, padding):
            with v1.name_scope(None):
                return raw.Conv2D(input=t, filter=weights, strides=[1, stride, stride, 1], padding=padding, name=name)

        return self.finish(self.atrous(x, w.shape, rate, op, name), scope, norm, act)

    def depthwise(self, x, scope, channels, stride, rate, act):
        w = self.arrays[f"{scope}/depthwise_weights"]
        if scope not in self.kept:
            w = (w * self.folded(scope)[0][:, None]).astype(np.float32)
        weights = tf.constant(w, name=f"{scope}/depthwise_weights")
        name = f"{scope}/depthwise"

        def op(t, padding):
            with v1.name_scope(None):
                t = raw.DepthwiseConv2dNative(input=t, filter=weights, strides=[1, stride, stride, 1],
                                              padding=padding, name=name)
                return self.batch_norm(t, scope) if scope in self.kept & KEPT_BETWEEN else t

        return self.finish(self.atrous(x, w.shape, rate, op, name), scope, True, act)

    def identity(self, x, name):
        return raw.Identity(input=x, name=name)

    def add(self, x, y, name):
        return raw.Add(x=x, y=y, name=name)

    def concat(self, xs):
        return raw.ConcatV2(values=xs, axis=tf.constant(3, name="concat/axis"), name="concat")


class Static(Frozen):
    """Maps of a known size: paddings, crops and sizes are constants."""

    def atrous(self, x, kernel_shape, rate, op, name):
        if rate == 1:
            return op(x, "SAME")
        extra = -(MAP + 2 * rate) % rate
        x = raw.SpaceToBatchND(input=x, block_shape=[rate, rate], paddings=[[rate, rate + extra]] * 2,
                               name=f"{name}/SpaceToBatchND")
        return raw.BatchToSpaceND(input=op(x, "VALID"), block_shape=[rate, rate], crops=[[0, extra]] * 2,
                                  name=f"{name}/BatchToSpaceND")

    def pool(self, x):
        return raw.AvgPool(value=x, ksize=[1, MAP, MAP, 1], strides=[1, 1, 1, 1], padding="VALID",
                           name="AvgPool2D/AvgPool")

    def spread(self, pooled, like):
        return model.resize(pooled, tf.constant([MAP, MAP], name="ResizeBilinear/size"), "ResizeBilinear")


class Dynamic(Frozen):
    """Maps of any size: paddings, crops and sizes are computed from shapes."""

    kept = KEPT_FUSED | KEPT_BETWEEN | KEPT_SPELLED

    def atrous(self, x, kernel_shape, rate, op, name):
        with v1.name_scope(f"{name}/"):
            return model.atrous(x, kernel_shape, rate, op)

    def add(self, x, y, name):
        return raw.AddV2(x=x, y=y, name=name)

    def pool(self, x):
        return raw.Mean(input=x, axis=tf.constant([1, 2], name="image_pooling/Mean/reduction_indices"),
                        keep_dims=True, name="image_pooling/Mean")

    def spread(self, pooled, like):
        return model.resize(pooled, part(raw.Shape(input=like, name="Shape_1"), 1, 3, "strided_slice_1"),
                            "ResizeBilinear")


def part(vector, begin, end, name, scalar=False):
    """vector[begin:end], or vector[begin] as a scalar."""
    bounds = [tf.constant([v], name=f"{name}/{n}") for v, n in ((begin, "stack"), (end, "stack_1"), (1, "stack_2"))]
    mask = {"shrink_axis_mask": 1} if scalar else {"begin_mask": int(begin == 0)}
    return raw.StridedSlice(input=vector, begin=bounds[0], end=bounds[1], strides=bounds[2], name=name, **mask)


def target(size, names):
    """size + max(CROP - size, 0): the side of the padded picture."""
    sub, maximum, add = names
    missing = raw.Sub(x=tf.constant(model.CROP, name=f"{sub}/x"), y=size, name=sub)
    missing = raw.Maximum(x=missing, y=tf.constant(0, name=f"{maximum}/y"), name=maximum)
    return raw.Add(x=size, y=missing, name=add)


def after(wanted, size, names):
    """What is missing behind a picture that starts at offset 0."""
    room = raw.Sub(x=wanted, y=tf.constant(0, name=f"{names[0]}/y"), name=names[0])
    return raw.Sub(x=room, y=size, name=names[1])


def check(condition, name, message, *data):
    """An Assert node; returns it for use as a control input."""
    data = [tf.constant(message, name=f"{name}/Assert/data_0"), *data]
    return raw.Assert(condition=condition, data=data, summarize=3, name=f"{name}/Assert")


def at_least(x, y, name):
    y = tf.constant(y, name=f"{name}/y") if isinstance(y, int) else y
    return raw.GreaterEqual(x=x, y=y, name=name)


def pad_to_crop(image, mean):
    """The picture on a canvas of at least CROP x CROP filled with the mean, checked as DeepLab does."""
    shape = raw.Shape(input=image, name="Shape_1")
    height = target(part(shape, 0, 1, "strided_slice_1", True), ("sub", "Maximum", "add"))
    width = target(part(shape, 1, 2, "strided_slice_2", True), ("sub_1", "Maximum_1", "add_1"))
    rank_ok = check(tf.constant(True, name="Equal"), "Assert", "Wrong image tensor rank [Expected] [Actual]",
                    tf.constant(3, name="Assert/Assert/data_1"), tf.constant(3, name="Rank"))
    with tf.control_dependencies([rank_ok]):
        centred = raw.Sub(x=image, y=mean, name="sub_2")
    shape = raw.Shape(input=centred, name="Shape_2")
    h = part(shape, 0, 1, "strided_slice_3", True)
    w = part(shape, 1, 2, "strided_slice_4", True)
    check(at_least(width, w, "GreaterEqual"), "Assert_1", "target_width must be >= width")
    check(at_least(height, h, "GreaterEqual_1"), "Assert_2", "target_height must be >= height")
    right = after(width, w, ("sub_3", "sub_4"))
    below = after(height, h, ("sub_5", "sub_6"))
    fits = raw.LogicalAnd(x=at_least(right, 0, "GreaterEqual_2"), y=at_least(below, 0, "GreaterEqual_3"),
                          name="LogicalAnd")
    possible = check(fits, "Assert_3", "target size not possible with the given target offsets")
    rows = raw.Pack(values=[tf.constant(0, name="stack/0"), below], name="stack")
    columns = raw.Pack(values=[tf.constant(0, name="stack_1/0"), right], name="stack_1")
    channels = tf.constant([0, 0], name="stack_2")
    with tf.control_dependencies([possible]):
        paddings = raw.Pack(values=[rows, columns, channels], name="stack_3")
    padded = raw.Pad(input=centred, paddings=paddings, name="Pad")
    return raw.Add(x=padded, y=mean, name="add_2")


def static_graph(weights, classes):
    """Nodes of scenes.pb."""
    image = v1.placeholder(tf.uint8, [1, None, None, 3], name="ImageTensor")
    size = part(raw.Shape(input=image, name="Shape"), 1, 3, "strided_slice")
    picture = raw.Squeeze(input=image, axis=[0], name="Squeeze")
    mean = tf.constant(np.full([1, 1, 3], model.MEAN, np.float32), name="Reshape")
    canvas = pad_to_crop(raw.Cast(x=picture, DstT=tf.float32, name="Cast"), mean)
    own = part(raw.Shape(input=picture, name="Shape_3"), 0, 2, "strided_slice_5")
    x = raw.ExpandDims(input=canvas, axis=tf.constant(0, name="ExpandDims/dim"), name="ExpandDims")
    x = raw.Mul(x=tf.constant(1 / model.MEAN, name="mul/x"), y=x, name="mul")
    x = raw.Sub(x=x, y=tf.constant(1.0, name="sub_7/y"), name="sub_7")
    x = model.logits(Static(weights), x, classes)
    x = model.resize(x, tf.constant([MAP, MAP], name="ResizeBilinear_1/size"), "ResizeBilinear_1")
    x = model.resize(x, tf.constant([model.CROP, model.CROP], name="strided_slice_6"), "ResizeBilinear_2")
    x = raw.ArgMax(input=x, dimension=tf.constant(3, name="ArgMax/dimension"), name="ArgMax")
    x = raw.Cast(x=x, DstT=tf.float32, name="Cast_1")
    x = raw.Identity(input=x, name="RawSemanticPredictions")
    own = [part(own, 0, 1, "strided_slice_7", True), part(own, 1, 2, "strided_slice_8", True)]
    own = raw.Pack(values=[tf.constant(1, name="Slice/size/0"), *own], name="Slice/size")
    x = raw.Slice(input=x, begin=tf.constant([0, 0, 0], name="Slice/begin"), size=own, name="Slice")
    x = raw.ExpandDims(input=x, axis=tf.constant(3, name="ExpandDims_1/dim"), name="ExpandDims_1")
    x = raw.ResizeNearestNeighbor(images=x, size=size, align_corners=True, name="resize_images/ResizeNearestNeighbor")
    x = raw.Squeeze(input=x, axis=[3], name="Squeeze_1")
    return raw.Identity(input=raw.Cast(x=x, DstT=tf.int32, name="Cast_2"), name="SemanticPredictions")


def dynamic_graph(weights, classes):
    """Nodes of scenes_dynamic.pb."""
    image = v1.placeholder(tf.uint8, [None, None, None, 3], name="ImageTensor")
    size = part(raw.Shape(input=image, name="Shape"), 1, 3, "strided_slice")
    x = raw.Cast(x=image, DstT=tf.float32, name="Cast")
    x = raw.Mul(x=x, y=tf.constant(1 / model.MEAN, name="mul/y"), name="mul")
    x = raw.Sub(x=x, y=tf.constant(1.0, name="sub/y"), name="sub")
    x = model.logits(Dynamic(weights), x, classes)
    x = model.resize(x, size, "ResizeBilinear_1")
    x = raw.ArgMax(input=x, dimension=tf.constant(3, name="ArgMax/dimension"), name="ArgMax")
    return raw.Identity(input=raw.Cast(x=x, DstT=tf.int32, name="Cast_1"), name="SemanticPredictions")


def like_the_official(graph):
    """Order and spelling of DeepLab's file: weights and the input last, no attributes of later versions."""
    late = {"Placeholder"}
    nodes = sorted(graph.node, key=lambda n: n.op in late or (n.op == "Const" and n.ByteSize() > 160))
    result = v1.GraphDef(versions=graph.versions)
    for node in nodes:
        node = result.node.add(**{"name": node.name, "op": node.op, "input": node.input, "attr": node.attr})
        for name in ("explicit_paddings", "half_pixel_centers", "_has_manual_control_dependencies"):
            node.attr.pop(name, None)
        node.input[:] = ["ImageTensor:0" if i == "ImageTensor" else i for i in node.input]
    return result


def needed(graph):
    """Only the nodes that the output or an assertion needs."""
    inputs = {n.name: [i.lstrip("^").split(":")[0] for i in n.input] for n in graph.node}
    wanted = ["SemanticPredictions"] + [n.name for n in graph.node if n.op == "Assert"]
    reached = set()
    while wanted:
        name = wanted.pop()
        if name not in reached:
            reached.add(name)
            wanted += inputs[name]
    return v1.GraphDef(versions=graph.versions, node=[n for n in graph.node if n.name in reached])


def write(weights, classes, folder):
    """Writes both graphs; returns their sizes in bytes."""
    sizes = {}
    for name, build in (("scenes.pb", static_graph), ("scenes_dynamic.pb", dynamic_graph)):
        with tf.Graph().as_default() as graph:
            build(weights, classes)
        nodes = needed(graph.as_graph_def())
        nodes = like_the_official(nodes) if build is static_graph else nodes
        data = nodes.SerializeToString(deterministic=True)
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
        sizes[name] = len(data)
    return sizes
