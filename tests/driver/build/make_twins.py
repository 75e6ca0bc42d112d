#!/usr/bin/env python3
"""Writes small networks twice, as TensorFlow says them in NHWC and in NCHW: tests/driver/build/twins/NAME.{nhwc,nchw}.pb.

Run with a Python that has TensorFlow (development only):
    python3 tests/driver/build/make_twins.py
Weights are the same in both. What stands between convolutions is what exporters write: focus, shuffle, splits of channels,
squeeze and excite without kept axes, heads that are flattened, patches, shuffled pixels. tests/driver/build/twins_test.c holds
that both compile to the same steps, and give the same bits.
"""
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow.compat.v1 as tf

HEIGHT, WIDTH = 8, 6
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "twins")


class Maker:
    """One network in one layout. Axes are named: N, H, W, C and what is split off them."""

    def __init__(self, layout):
        self.layout, self.rng = layout, np.random.RandomState(7)
        self.nchw = layout == "NCHW"

    def dims(self, n, h, w, c):
        return [n, c, h, w] if self.nchw else [n, h, w, c]

    @property
    def channels(self):
        return 1 if self.nchw else 3

    @property
    def pixels(self):
        return [2, 3] if self.nchw else [1, 2]

    def weights(self, *dims):
        return tf.constant(self.rng.uniform(-0.5, 0.5, dims).astype(np.float32))

    def conv(self, x, out, size=3, stride=1, relu=True):
        w = self.weights(size, size, int(x.shape[self.channels]), out)
        y = tf.nn.conv2d(x, w, self.dims(1, stride, stride, 1), "SAME", data_format=self.layout)
        y = tf.nn.bias_add(y, self.weights(out), data_format=self.layout)
        return tf.nn.relu(y) if relu else y

    def depthwise(self, x):
        w = self.weights(3, 3, int(x.shape[self.channels]), 1)
        return tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME", data_format=self.layout)

    def slice(self, x, rows, columns):
        return x[:, :, rows, columns] if self.nchw else x[:, rows, columns, :]

    def dense(self, x, out):
        return tf.nn.bias_add(tf.matmul(x, self.weights(int(x.shape[1]), out)), self.weights(out))


def focus(m, x):
    """Four pictures of every second pixel, one beside the other."""
    parts = [m.slice(x, slice(r, None, 2), slice(c, None, 2)) for c in (0, 1) for r in (0, 1)]
    y = m.conv(tf.concat(parts, m.channels), 8)
    return m.conv(y, 4)


def shuffle(m, x, height=HEIGHT, width=WIDTH):
    """A unit of ShuffleNet: channels split, one half worked on, joined, and shuffled."""
    x = m.conv(x, 8)
    for _ in range(2):
        left, right = tf.split(x, 2, m.channels)
        right = m.conv(m.depthwise(m.conv(right, 4, 1)), 4, 1)
        x = tf.concat([left, right], m.channels)
        whole = m.dims(1, height, width, 8)
        apart = [1, 2, 4, height, width] if m.nchw else [1, height, width, 2, 4]
        x = tf.transpose(tf.reshape(x, apart), [0, 2, 1, 3, 4] if m.nchw else [0, 1, 2, 4, 3])
        x = tf.reshape(x, whole)
    return m.conv(x, 4)


def shuffle_any_size(m, x):
    """The same where the size is asked of the picture."""
    size = tf.shape(x)
    return shuffle(m, x, size[m.pixels[0]], size[m.pixels[1]])


def excite(m, x):
    """Squeeze and excite: means without kept axes, products, and axes that come back."""
    x = m.conv(x, 8)
    s = tf.reduce_mean(x, m.pixels)
    s = tf.sigmoid(m.dense(tf.nn.relu(m.dense(s, 4)), 8))
    x = m.conv(x * tf.reshape(s, m.dims(1, 1, 1, 8)), 8)
    s = tf.sigmoid(m.dense(tf.reduce_mean(x, m.pixels), 8))
    s = tf.expand_dims(tf.expand_dims(s, m.pixels[0]), m.pixels[1])
    return m.conv(x + x * s, 4)


def heads(m, x):
    """Heads of a detector: a row for each anchor of each pixel, all sizes together."""
    rows = []
    for _ in range(2):
        x = m.conv(x, 8, stride=2)
        y = m.conv(x, 2 * 5, relu=False)
        y = tf.transpose(y, [0, 2, 3, 1]) if m.nchw else y
        rows.append(tf.reshape(y, [1, -1, 5]))
    return tf.sigmoid(tf.concat(rows, 1))


def anchors(m, x):
    """Heads that keep the picture: anchors become an axis of their own, values the last."""
    x = m.conv(x, 8)
    y = m.conv(x, 3 * 5, relu=False)
    y = tf.reshape(y, [1, 3, 5, HEIGHT, WIDTH] if m.nchw else [1, HEIGHT, WIDTH, 3, 5])
    y = tf.transpose(y, [0, 1, 3, 4, 2] if m.nchw else [0, 3, 1, 2, 4])
    return tf.reshape(tf.sigmoid(y), [1, -1, 5])


def patches(m, x):
    """Patches of a transformer: pixels become rows, normalised and weighed."""
    x = m.conv(x, 8, stride=2, relu=False)
    rows = HEIGHT // 2 * (WIDTH // 2)
    x = tf.transpose(tf.reshape(x, [1, 8, rows]), [0, 2, 1]) if m.nchw else tf.reshape(x, [1, rows, 8])
    x = x - tf.reduce_mean(x, 2, keepdims=True)
    x = x * tf.rsqrt(tf.reduce_mean(tf.square(x), 2, keepdims=True) + 0.001)
    return tf.nn.softmax(tf.matmul(tf.reshape(x, [rows, 8]), m.weights(8, 5)))


def pixels(m, x):
    """Channels become pixels, each channel's four together as PyTorch has them."""
    x = m.conv(x, 2 * 4)
    if m.nchw:
        x = tf.transpose(tf.reshape(x, [1, 2, 2, 2, HEIGHT, WIDTH]), [0, 1, 4, 2, 5, 3])
    else:
        x = tf.transpose(tf.reshape(x, [1, HEIGHT, WIDTH, 2, 2, 2]), [0, 1, 4, 2, 5, 3])
    x = tf.reshape(x, m.dims(1, 2 * HEIGHT, 2 * WIDTH, 2))
    return m.conv(x, 4)


def picks(m, x):
    """Channels chosen, one of them dropped, pairs stacked and the larger taken."""
    x = m.conv(x, 8)
    y = tf.gather(x, [5, 0, 3, 6], axis=m.channels)
    z = x[:, 2:6] if m.nchw else x[:, :, :, 2:6]
    y = tf.reduce_max(tf.stack([y, z], axis=m.channels), axis=m.channels)
    one = x[:, 7] if m.nchw else x[:, :, :, 7]
    y = y * tf.expand_dims(one, m.channels)
    low, high = tf.unstack(tf.reshape(y, [1, 2, 2, HEIGHT, WIDTH] if m.nchw else [1, HEIGHT, WIDTH, 2, 2]),
                           axis=m.channels)
    return m.conv(tf.pad(tf.nn.relu(low - high), m.paddings()), 4)


Maker.paddings = lambda m: [[0, 0], [0, 0], [1, 1], [0, 1]] if m.nchw else [[0, 0], [1, 1], [0, 1], [0, 0]]


def fakes(m, x):
    """A network that was trained with ranges: fake quantisation of a tensor each."""
    for out in (8, 4):
        x = m.conv(tf.quantization.fake_quant_with_min_max_vars(x, -2.0, 2.0), out)
    return tf.quantization.fake_quant_with_min_max_vars(x, 0.0, 6.0)


NETWORKS = [focus, shuffle, shuffle_any_size, excite, heads, anchors, patches, pixels, picks, fakes]
ANY_SIZE = {focus, shuffle_any_size}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for make in NETWORKS:
        for layout in ("NHWC", "NCHW"):
            with tf.Graph().as_default() as graph:
                m = Maker(layout)
                size = (None, None) if make in ANY_SIZE else (HEIGHT, WIDTH)
                x = tf.placeholder(tf.float32, m.dims(1, *size, 3), name="x")
                tf.identity(make(m, x), name="y")
            path = os.path.join(FOLDER, f"{make.__name__}.{layout.lower()}.pb")
            with open(path, "wb") as file:
                file.write(graph.as_graph_def().SerializeToString(deterministic=True))
    print(f"{len(NETWORKS)} pairs in {FOLDER}", file=sys.stderr)


if __name__ == "__main__":
    main()
