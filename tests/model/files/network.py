"""Writes the network of these files and what it is calibrated on: network.pb and calibration.npy in the given folder.

Small, but with many operators: it takes pictures of any size up to 96 x 96 and makes labels of every pixel, scores of the
whole picture, and the coordinates of the pixels of one class, whose number depends on data. The weights are drawn, not
trained. Made with TensorFlow 2.21 and NumPy.
"""

import sys

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
CHANNELS, CLASSES, LARGEST = 8, 5, 96
SEED = 20260101
rng = np.random.default_rng(SEED)


def draw(*shape, scale=None):
    fan_in = np.prod(shape[:-1]) if len(shape) > 1 else 1
    return v1.constant(rng.normal(0, scale or 1.4 / np.sqrt(fan_in), shape).astype(np.float32))


def convolve(x, cin, cout, size, stride=1, name=None):
    x = tf.nn.conv2d(x, draw(size, size, cin, cout), stride, "SAME", name=name)
    return tf.nn.bias_add(x, draw(cout, scale=0.1))


def separable(x, channels, name):
    x = tf.nn.depthwise_conv2d(x, draw(3, 3, channels, 1, scale=0.4), [1, 1, 1, 1], "SAME", name=name)
    scale, offset, mean = (draw(channels, scale=0.2) for _ in range(3))
    variance = v1.constant(rng.uniform(0.5, 1.5, channels).astype(np.float32))
    x, _, _ = v1.nn.fused_batch_norm(x, scale + 1.0, offset, mean, variance, epsilon=1e-3, is_training=False)
    return tf.nn.relu6(convolve(tf.nn.relu(x), channels, channels, 1))


def network(logits_bias):
    pictures = v1.placeholder(tf.uint8, [1, None, None, 3], "pictures")
    size = tf.shape(pictures)[1:3]
    largest = tf.debugging.Assert(tf.reduce_all(size <= LARGEST), [size])
    with tf.control_dependencies([largest]):
        x = tf.cast(pictures, tf.float32) * (1 / 127.5) - 1.0
    first = tf.nn.relu6(convolve(x, 3, CHANNELS, 3, stride=2, name="first"))
    second = first + separable(first, CHANNELS, "second")
    pooled = tf.nn.max_pool2d(second, 3, 2, "SAME")
    third = tf.nn.leaky_relu(convolve(pooled, CHANNELS, CHANNELS, 3, name="third"), 0.25)
    smooth = tf.nn.avg_pool2d(third, 3, 1, "SAME")
    wide = v1.image.resize_bilinear(smooth, tf.shape(second)[1:3], align_corners=True)
    both = tf.concat([second, wide], 3)
    logits = tf.nn.conv2d(both, draw(1, 1, 2 * CHANNELS, CLASSES, scale=0.7), 1, "SAME")
    logits = tf.nn.bias_add(logits, v1.constant(logits_bias), name="logits")
    logits = v1.image.resize_bilinear(logits, size, align_corners=True)
    labels = tf.cast(tf.argmax(logits, 3), tf.int32, name="labels")
    mean = tf.reduce_mean(tf.sigmoid(both), [1, 2])
    tf.nn.softmax(tf.matmul(mean, draw(2 * CHANNELS, CLASSES)) + draw(CLASSES, scale=0.1), name="scores")
    tf.identity(tf.where(tf.equal(labels, 1)), name="places")


def pictures(count, height, width):
    """Smooth colours with some noise on top."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    out = np.empty((count, height, width, 3))
    for n in range(count):
        for c in range(3):
            fy, fx, phase = rng.uniform(0.02, 0.4), rng.uniform(0.02, 0.4), rng.uniform(0, 6.28)
            out[n, :, :, c] = 127.5 + 100 * np.sin(fy * y + fx * x + phase)
    return np.clip(out + rng.normal(0, 8, out.shape), 0, 255).astype(np.uint8)


def build(logits_bias):
    global rng
    rng = np.random.default_rng(SEED)
    graph = v1.Graph()
    with graph.as_default():
        network(logits_bias.astype(np.float32))
    return graph


def main(folder):
    samples = pictures(8, 24, 32)
    # Every class gets pixels: the bias takes away what the drawn weights prefer.
    bias = np.zeros(CLASSES)
    with v1.Session(graph=build(bias)) as session:
        logits = np.concatenate([session.run("logits:0", {"pictures:0": sample[None]}) for sample in samples])
    graph = build(-np.median(logits, axis=(0, 1, 2)))
    with open(folder + "/network.pb", "wb") as file:
        file.write(graph.as_graph_def().SerializeToString(deterministic=True))
    np.save(folder + "/calibration.npy", samples)


main(sys.argv[1])
