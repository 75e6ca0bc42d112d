"""The network, written once.

A builder gives meaning to each layer: `train.Trainer` makes variables and batch statistics, the builders of `export.py`
write nodes of a frozen graph. Names are those of DeepLab's own graphs.
"""

import tensorflow as tf

CROP = 161  # 8k + 1: the maps of stride 8 then meet the picture's corners
STRIDE = 8
MEAN = 127.5
EPSILON = 1e-3  # of batch norm

# scope, expansion, channels, stride, rate of the depthwise convolution
BLOCKS = [
    ("expanded_conv", 1, 12, 1, 1),
    ("expanded_conv_1", 5, 20, 2, 1),
    ("expanded_conv_2", 5, 20, 1, 1),
    ("expanded_conv_3", 5, 32, 2, 1),
    ("expanded_conv_4", 5, 32, 1, 1),
    ("expanded_conv_5", 5, 32, 1, 1),
    ("expanded_conv_6", 5, 48, 1, 1),
    ("expanded_conv_7", 5, 48, 1, 2),
    ("expanded_conv_8", 5, 48, 1, 2),
    ("expanded_conv_9", 5, 64, 1, 2),
    ("expanded_conv_10", 5, 64, 1, 4),
]
STEM = 16
BRANCH = 64


def block(b, x, scope, channels_in, expansion, channels, stride, rate):
    """An inverted residual block."""
    x = skip = b.identity(x, f"{scope}/input")
    wide = channels_in * expansion
    if expansion > 1:
        x = b.conv(x, f"{scope}/expand", channels_in, wide, act="Relu6")
        x = b.identity(x, f"{scope}/expansion_output")
    x = b.depthwise(x, f"{scope}/depthwise", wide, stride, rate, act="Relu6")
    x = b.identity(x, f"{scope}/depthwise_output")
    x = b.conv(x, f"{scope}/project", wide, channels)
    x = b.identity(x, f"{scope}/project/Identity")
    if stride == 1 and channels == channels_in:
        x = b.add(x, skip, f"{scope}/add")
    return b.identity(x, f"{scope}/output")


def logits(b, x, classes):
    """Normalised pictures to class scores at stride 8."""
    x = b.identity(x, "MobilenetV2/MobilenetV2/input")
    x = b.conv(x, "MobilenetV2/Conv", 3, STEM, kernel=3, stride=2, act="Relu6")
    channels = STEM
    for name, expansion, out, stride, rate in BLOCKS:
        x = block(b, x, f"MobilenetV2/{name}", channels, expansion, out, stride, rate)
        channels = out
    pooled = b.pool(x)
    pooled = b.conv(pooled, "image_pooling", channels, BRANCH, norm=False, act="Relu")
    branches = [b.spread(pooled, x),
                b.conv(x, "aspp0", channels, BRANCH, act="Relu"),
                b.conv(x, "aspp1", channels, BRANCH // 2, kernel=3, rate=3, act="Relu")]
    y = b.depthwise(x, "aspp2_depthwise", channels, 1, 6, act="Relu")
    branches.append(b.conv(y, "aspp2_pointwise", channels, BRANCH, act="Relu"))
    widths = [BRANCH, BRANCH, BRANCH // 2, BRANCH]
    x = b.conv(b.concat(branches), "concat_projection", sum(widths), BRANCH, act="Relu")
    x = b.identity(x, "concat_projection_dropout/Identity")
    return b.conv(x, "logits/semantic", BRANCH, classes, norm=False)


def atrous(x, kernel_shape, rate, op):
    """SpaceToBatchND, `op` with VALID padding, BatchToSpaceND; paddings follow from the shape of `x`."""
    if rate == 1:
        return op(x, "SAME")
    return tf.compat.v1.nn.with_space_to_batch(
        x, [rate, rate], "SAME", lambda value, spatial, padding: op(value, padding),
        filter_shape=list(kernel_shape))


def resize(x, size, name=None):
    """Bilinear as DeepLab means it: corners onto corners."""
    return tf.raw_ops.ResizeBilinear(images=x, size=size, align_corners=True, half_pixel_centers=False, name=name)
