"""Trains the scenes network, exports both frozen graphs, measures them and writes the reference answers.

    python train.py --out DIR
"""

import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np
import tensorflow as tf

import draw
import export
import model

TRAIN = 0  # split of the scenes
BATCH = 16


class Trainer:
    """Builds the network with variables and batch statistics."""

    def __init__(self, seed):
        self.variables = {}
        self.rng = np.random.default_rng(seed)

    def variable(self, name, value, trainable=True):
        if name not in self.variables:
            value = value() if callable(value) else value
            self.variables[name] = tf.Variable(value, dtype=tf.float32, trainable=trainable, name=name)
        return self.variables[name]

    def trainable(self):
        return [v for v in self.variables.values() if v.trainable]

    def weights(self, name, shape, fan_in):
        return self.variable(name, lambda: self.rng.normal(0, (2 / fan_in) ** 0.5, shape))

    def finish(self, x, scope, channels, norm, act):
        """Bias or batch norm, then the activation."""
        if norm:
            x = self.batch_norm(x, scope, channels)
        else:
            x = tf.nn.bias_add(x, self.variable(f"{scope}/biases", np.zeros(channels)))
        return {None: lambda t: t, "Relu": tf.nn.relu, "Relu6": tf.nn.relu6}[act](x)

    def batch_norm(self, x, scope, channels, momentum=0.98):
        scope += "/BatchNorm"
        gamma = self.variable(f"{scope}/gamma", np.ones(channels))
        beta = self.variable(f"{scope}/beta", np.zeros(channels))
        mean = self.variable(f"{scope}/moving_mean", np.zeros(channels), trainable=False)
        variance = self.variable(f"{scope}/moving_variance", np.ones(channels), trainable=False)
        x, now_mean, now_variance = tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, epsilon=model.EPSILON)
        for kept, now in ((mean, now_mean), (variance, now_variance)):
            kept.assign(momentum * kept + (1 - momentum) * now)
        return x

    def conv(self, x, scope, inputs, outputs, kernel=1, stride=1, rate=1, norm=True, act=None):
        shape = (kernel, kernel, inputs, outputs)
        w = self.weights(f"{scope}/weights", shape, kernel * kernel * inputs)
        x = model.atrous(x, shape, rate, lambda t, padding: tf.nn.conv2d(t, w, stride, padding))
        return self.finish(x, scope, outputs, norm, act)

    def depthwise(self, x, scope, channels, stride, rate, act):
        shape = (3, 3, channels, 1)
        w = self.weights(f"{scope}/depthwise_weights", shape, 9)
        x = model.atrous(x, shape, rate,
                         lambda t, padding: tf.nn.depthwise_conv2d(t, w, [1, stride, stride, 1], padding))
        return self.finish(x, scope, channels, True, act)

    def identity(self, x, name):
        return x

    def add(self, x, y, name):
        return x + y

    def pool(self, x):
        return tf.reduce_mean(x, [1, 2], keepdims=True)

    def spread(self, pooled, like):
        return model.resize(pooled, tf.shape(like)[1:3])

    def concat(self, xs):
        return tf.concat(xs, 3)


def draw_batch(seed, index):
    """Scenes of one canvas: (canvas height, width, scenes). Some smaller than it, as under the graph's own padding."""
    rng = draw.scene_rng(seed, TRAIN, index)
    kind = rng.uniform()
    if kind < 0.45:  # padded to the crop
        canvas = (model.CROP, model.CROP)
        sizes = [canvas if rng.uniform() < 0.35 else rng.integers(64, model.CROP + 1, 2) for _ in range(BATCH)]
    elif kind < 0.75:  # whole canvases that meet the corners
        canvas = tuple(8 * rng.integers(10, 21, 2) + 1)
        sizes = [canvas] * BATCH
    else:  # any size at all, for the dynamic export
        canvas = tuple(rng.integers(64, 170, 2))
        sizes = [canvas] * BATCH
    return canvas, [draw.draw_scene(rng, int(h), int(w)) for h, w in sizes]


def augment(rng, picture, mask):
    """Mirrors the scene and swaps, inverts or fades its colours; returns the normalised picture."""
    if rng.uniform() < 0.5:
        picture, mask = picture[::-1], mask[::-1]
    if rng.uniform() < 0.5:
        picture, mask = picture[:, ::-1], mask[:, ::-1]
    x = picture[..., rng.permutation(3)].astype(np.float32) / model.MEAN - 1
    x *= rng.uniform(0.7, 1.0) * (-1 if rng.uniform() < 0.3 else 1)
    return x + rng.uniform(-0.1, 0.1), mask


def make_batch(rng, canvas, scenes):
    """Normalised pictures and masks on the canvas: the rest is the mean, its labels are ignored."""
    x = np.zeros((len(scenes), *canvas, 3), np.float32)
    y = np.full((len(scenes), *canvas), draw.IGNORE, np.int32)
    for i, (picture, mask) in enumerate(scenes):
        h, w = mask.shape
        x[i, :h, :w], y[i, :h, :w] = augment(rng, picture, mask)
    if rng.uniform() < 0.5:
        x, y = x.transpose(0, 2, 1, 3), y.transpose(0, 2, 1)
    return x, y


def make_step(net, optimizer):
    """The compiled training step."""
    pictures = tf.TensorSpec([None, None, None, 3], tf.float32)
    masks = tf.TensorSpec([None, None, None], tf.int32)

    @tf.function(input_signature=[pictures, masks])
    def step(x, y):
        with tf.GradientTape() as tape:
            scores = model.resize(model.logits(net, x, len(draw.CLASSES)), tf.shape(x)[1:3])
            known = tf.cast(y != draw.IGNORE, tf.float32)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.where(y == draw.IGNORE, 0, y), scores)
            loss = tf.reduce_sum(loss * known) / tf.reduce_sum(known)
        variables = net.trainable()
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    return step


def train(seed, steps, pool_size):
    """Trains on a pool of drawn batches; returns the variables and how long it took."""
    net = Trainer(seed)
    model.logits(net, tf.zeros([1, 65, 65, 3]), len(draw.CLASSES))  # makes the variables
    rate = tf.keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=4e-3, warmup_steps=100)
    optimizer = tf.keras.optimizers.AdamW(rate, weight_decay=5e-4, beta_2=0.99, global_clipnorm=3.0)
    optimizer.build(net.trainable())
    step = make_step(net, optimizer)
    rng = np.random.default_rng([seed, 77])
    pool, average, start = {}, None, time.time()
    for i in range(steps):
        at = i if i < pool_size else int(rng.integers(pool_size))
        if at not in pool:
            pool[at] = draw_batch(seed, at)
        loss = float(step(*make_batch(rng, *pool[at])))
        average = loss if average is None else 0.98 * average + 0.02 * loss
        if i % 100 == 99:
            print(f"step {i + 1}/{steps}  loss {average:.4f}  {time.time() - start:.0f} s", flush=True)
    return net.variables, round(time.time() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--pool", type=int, default=700, help="batches drawn; beyond them they repeat, augmented")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    os.makedirs(args.out, exist_ok=True)

    variables, seconds = train(args.seed, args.steps, args.pool)
    weights = {name: v.numpy() for name, v in variables.items()}
    facts = {"seed": args.seed, "steps": args.steps, "batch": BATCH, "pool": args.pool, "train_seconds": seconds,
             "parameters": int(sum(v.numpy().size for v in variables.values() if v.trainable)),
             "bytes": export.write(weights, len(draw.CLASSES), args.out)}
    with open(os.path.join(args.out, "metrics.json"), "w") as f:
        json.dump(facts, f)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "measure.py")
    subprocess.run([sys.executable, script, "--out", args.out, "--seed", str(args.seed)], check=True)


if __name__ == "__main__":
    main()
