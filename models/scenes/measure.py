"""Measures the exported graphs on held-out scenes and writes pictures, masks and reference answers.

    python measure.py --out DIR      (DIR holds scenes.pb and scenes_dynamic.pb)
"""

import argparse
import json
import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # plain float32 kernels

import numpy as np
import tensorflow as tf
from PIL import Image

import draw
import model

HELD_OUT, REFERENCE, PICTURES = 1, 2, 3  # splits of the scenes
HELD_OUT_SCENES = 240

# number of the scene, height, width
SHOWN = [(28, 161, 161), (11, 161, 121), (22, 113, 161), (8, 97, 129), (51, 145, 145), (30, 89, 151), (3, 240, 320),
         (27, 321, 241)]

DYNAMIC_CASES = [
    (1, 7, 5), (1, 9, 9), (2, 9, 150), (3, 150, 9), (1, 33, 129), (2, 64, 48), (4, 31, 97), (1, 97, 97), (1, 128, 96),
    (1, 149, 83), (2, 53, 59), (3, 40, 40), (4, 17, 23), (1, 150, 113), (2, 65, 65), (3, 29, 101), (4, 16, 128),
    (1, 121, 145), (2, 72, 31), (3, 11, 13)]
STATIC_CASES = [(1, 1, 1), (1, 161, 161), (1, 100, 77), (1, 47, 161)]
WITH_LOGITS = {(2, 64, 48), (3, 29, 101), (1, 100, 77)}
LOGITS = "logits/semantic/BiasAdd"
CLEAR = 5e-4  # least distance between the two best scores of any pixel of a reference
TINY = 150  # pixels of a picture that may hold a single class
TRIES = 40


class Network:
    """A frozen graph in a session."""

    def __init__(self, path):
        nodes = tf.compat.v1.GraphDef()
        with open(path, "rb") as f:
            nodes.ParseFromString(f.read())
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.import_graph_def(nodes, name="")
        config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=2, inter_op_parallelism_threads=1)
        self.session = tf.compat.v1.Session(graph=self.graph, config=config)

    def run(self, pictures, *names):
        return self.session.run([f"{n}:0" for n in names], {"ImageTensor:0": pictures})

    def labels(self, picture):
        return self.run(picture[None], "SemanticPredictions")[0][0]


def held_out(seed, index):
    """Every third scene fills the crop, the others have sizes of their own."""
    rng = draw.scene_rng(seed, HELD_OUT, index)
    size = (model.CROP, model.CROP) if index % 3 == 0 else rng.integers(64, model.CROP + 1, 2)
    return draw.draw_scene(rng, int(size[0]), int(size[1]))


def scores(confusion):
    """mIoU, pixel accuracy and IoU by class of a confusion matrix [truth, answer]."""
    hit = np.diag(confusion)
    iou = hit / (confusion.sum(0) + confusion.sum(1) - hit)
    return {"miou": round(float(iou.mean()), 4), "pixel_accuracy": round(float(hit.sum() / confusion.sum()), 4),
            "iou": {name: round(float(v), 4) for name, v in zip(draw.CLASSES, iou)}}


def evaluate(network, scenes):
    n = len(draw.CLASSES)
    confusion = np.zeros((n, n), np.int64)
    for picture, mask in scenes:
        answer = network.labels(picture)
        confusion += np.bincount(mask.ravel().astype(np.int64) * n + answer.ravel(), minlength=n * n).reshape(n, n)
    return scores(confusion)


def write_pictures(out, seed):
    """Scenes to look at, as JPEG, with their masks as indexed PNG."""
    colors = [line.split()[1:] for line in open(os.path.join(os.path.dirname(__file__), "palette.txt"))]
    for name, (number, height, width) in enumerate(SHOWN, 1):
        unit = max(1, max(height, width) / model.CROP)
        picture, mask = draw.draw_scene(draw.scene_rng(seed, PICTURES, number), height, width, unit)
        Image.fromarray(picture).save(os.path.join(out, "pictures", f"scene_{name}.jpg"), quality=92, subsampling=0)
        indexed = Image.fromarray(mask, "P")
        indexed.putpalette([int(v) for color in colors for v in color])
        indexed.save(os.path.join(out, "masks", f"scene_{name}.png"), optimize=True)


def reference_pictures(seed, case, attempt):
    """Windows of scenes: small pictures show parts of shapes that are larger than they."""
    n, h, w = case
    rng = draw.scene_rng(seed, REFERENCE, attempt)
    pictures = np.zeros((n, h, w, 3), np.uint8)
    for i in range(n):
        height, width = max(h, 72), max(w, 72)
        picture, _ = draw.draw_scene(rng, height, width)
        y, x = (height - h) // 2, (width - w) // 2
        pictures[i] = picture[y:y + h, x:x + w]
    return pictures


def choose(network, seed, case, upsampled):
    """The first pictures of several classes where every pixel has a clear winner: no rounding changes a label."""
    _, h, w = case
    for attempt in range(TRIES):
        pictures = reference_pictures(seed, case, attempt)
        labels, logits, full = network.run(pictures, "SemanticPredictions", LOGITS, upsampled)
        top = np.sort(full[:, :h, :w], axis=-1)
        margin = float((top[..., -1] - top[..., -2]).min())
        varied = len(np.unique(labels)) > 1 or h * w < TINY
        if varied and margin > CLEAR:
            return margin, pictures, labels, logits
    raise SystemExit(f"no picture of size {case} has a clear winner in every pixel after {TRIES} tries")


def write_references(network, seed, cases, upsampled, folder):
    """ImageTensor and SemanticPredictions (as uint8) of each case; returns the smallest margin."""
    os.makedirs(folder, exist_ok=True)
    smallest = np.inf
    for number, case in enumerate(cases):
        margin, pictures, labels, logits = choose(network, seed, case, upsampled)
        smallest = min(smallest, margin)
        print(f"{os.path.basename(folder)} {case}: margin {margin:.1e}, classes {np.unique(labels)}")
        stem = os.path.join(folder, f"{number:02d}_" + "x".join(map(str, case)))
        np.save(f"{stem}.ImageTensor.npy", pictures)
        np.save(f"{stem}.SemanticPredictions.npy", labels.astype(np.uint8))
        if case in WITH_LOGITS:
            np.save(f"{stem}.{LOGITS.replace('/', '_')}.npy", logits)
    return float(smallest)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder with both graphs; everything is written there")
    parser.add_argument("--seed", type=int, default=20)
    args = parser.parse_args()
    for name in ("pictures", "masks"):
        os.makedirs(os.path.join(args.out, name), exist_ok=True)
    write_pictures(args.out, args.seed)

    path = os.path.join(args.out, "metrics.json")
    metrics = json.load(open(path)) if os.path.exists(path) else {}
    metrics["held_out_scenes"] = HELD_OUT_SCENES
    scenes = [held_out(args.seed, i) for i in range(HELD_OUT_SCENES)]
    metrics["reference_margin"] = {}
    for name, upsampled, cases, folder in (
            ("scenes.pb", "ResizeBilinear_2", STATIC_CASES, "refs_scenes"),
            ("scenes_dynamic.pb", "ResizeBilinear_1", DYNAMIC_CASES, "refs")):
        network = Network(os.path.join(args.out, name))
        metrics[name] = evaluate(network, scenes)
        print(f"{name}: held-out mIoU {metrics[name]['miou']}, pixel accuracy {metrics[name]['pixel_accuracy']}")
        margin = write_references(network, args.seed, cases, upsampled, os.path.join(args.out, folder))
        metrics["reference_margin"][name] = margin
    metrics["scenes_dynamic.pb"]["miou_at_crop_size"] = evaluate(network, scenes[::3])["miou"]
    with open(path, "w") as f:
        json.dump(metrics, f, indent=2)
        f.write("\n")


if __name__ == "__main__":
    main()
