"""How well a model labels pictures whose true labels are known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Union

import numpy as np

from ._arrays import Array
from ._handle import Handle
from ._native import ffi, lib
from ._status import InvalidArgumentError, NotFoundError, check
from .engine import Engine
from .model import Model
from .pictures import borrow_image, load_mask
from .vision import Segmenter

PicturesLike = Union[str, "os.PathLike[str]", Iterable[Any]]


class Confusion(Handle):
    """Pixels by true class and predicted class, over any number of pictures. 255 in the truth is not judged.

    >>> import numpy as np, quench
    >>> confusion = quench.Confusion(2)
    >>> confusion.add(np.array([[0, 1]], np.uint8), np.array([[0, 0]], np.uint8))
    >>> confusion.miou, confusion.pixel_accuracy, confusion.iou(1)
    (0.25, 0.5, 0.0)
    """

    def __init__(self, class_count: int) -> None:
        out = ffi.new("qn_image_confusion **")
        check(lib.qn_image_confusion_create(class_count, ffi.NULL, out))
        self._own(out[0], lib.qn_image_confusion_destroy)

    def add(self, truth: Array, prediction: Array) -> None:
        """Adds one picture, two arrays [H, W] of uint8. InvalidArgumentError names a pixel that is no class."""
        true, first = borrow_image(truth, "truth")
        guess, second = borrow_image(prediction, "prediction")
        check(lib.qn_image_confusion_add(self._pointer, true, guess))
        del first, second

    @property
    def class_count(self) -> int:
        return int(lib.qn_image_confusion_get_class_count(self._pointer))

    @property
    def matrix(self) -> Array:
        """Pixels [true, predicted]."""
        count, get = self.class_count, lib.qn_image_confusion_get_pixels
        return np.array([[get(self._pointer, i, k) for k in range(count)] for i in range(count)], np.int64)

    def iou(self, label: int) -> float:
        """Intersection over union of a class; NaN if it is nowhere."""
        return float(lib.qn_image_confusion_get_iou(self._pointer, label))

    @property
    def miou(self) -> float:
        """The mean of the classes that are somewhere."""
        return float(lib.qn_image_confusion_get_miou(self._pointer))

    @property
    def pixel_accuracy(self) -> float:
        """The share of judged pixels that are right."""
        return float(lib.qn_image_confusion_get_pixel_accuracy(self._pointer))


def evaluate(
    model: Model | Engine | str | os.PathLike[str],
    pictures: PicturesLike,
    masks: PicturesLike,
    *,
    against: Model | Engine | str | os.PathLike[str] | None = None,
    classes: int = 0,
    fit: str | None = None,
    threads: int = 0,
) -> dict[str, Any]:
    """Mean intersection over union, and the share of pixels that are right.

    `pictures` and `masks` are folders (NAME.png is the mask of NAME.jpg), or as many pictures as masks, paths or
    arrays. `against` is a second model, with which the labels are compared too. The answer has the keys of `quench eval
    --json` (docs/command-line.md), without those of files: `images`, `miou`, `pixel_accuracy`, `iou` by class (None:
    nowhere), `ms_per_image`, `threads`, `cpu`, and with `against` `agreement` and `against_miou`.

    Errors: NotFoundError (pictures or masks are missing), InvalidArgumentError (the number of classes is not known:
    give `classes`); and those of `Segmenter`.
    """
    segmenter = Segmenter(model, fit=fit, threads=threads)
    other = None if against is None else Segmenter(against, fit=fit, threads=threads)
    count = classes or segmenter.vision.class_count
    if not count:
        raise InvalidArgumentError("the model does not say how many classes it has: give classes=")
    confusion, other_confusion = Confusion(count), Confusion(count)
    images, ms, equal, pixels = 0, 0.0, 0, 0
    for picture, mask in _pair(pictures, masks):
        truth = load_mask(mask) if isinstance(mask, (str, os.PathLike)) else mask
        size = (truth.shape[1], truth.shape[0])
        result = segmenter.run(picture, size)
        confusion.add(truth, result.labels)
        images, ms = images + 1, ms + result.ms
        if other is not None:
            labels = other.run(picture, size).labels
            other_confusion.add(truth, labels)
            equal, pixels = equal + int((labels == result.labels).sum()), pixels + labels.size
    if not images:
        raise InvalidArgumentError("there are no pictures to evaluate")
    ious = [confusion.iou(label) for label in range(count)]
    answer: dict[str, Any] = {
        "images": images,
        "miou": _share_or_none(confusion.miou),
        "pixel_accuracy": _share_or_none(confusion.pixel_accuracy),
        "iou": {segmenter.palette.name_of(label): _share_or_none(iou) for label, iou in enumerate(ious)},
        "ms_per_image": ms / images,
        "threads": segmenter.engine.threads,
        "cpu": segmenter.engine.cpu,
    }
    if other is not None:
        answer["agreement"] = equal / pixels
        answer["against_miou"] = _share_or_none(other_confusion.miou)
    return answer


def _share_or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


def _pair(pictures: PicturesLike, masks: PicturesLike) -> Sequence[tuple[Any, Any]]:
    """Pictures with their masks; what is missing is told before anything runs."""
    endings = (".jpg", ".jpeg", ".png", ".ppm", ".pgm")
    if isinstance(pictures, (str, os.PathLike)):
        folder = Path(pictures)
        found: list[Any] = sorted(path for path in folder.glob("*") if path.suffix.lower() in endings)
        if not found:
            raise NotFoundError(f"{folder}: holds no pictures (JPEG, PNG, PPM, PGM)")
    else:
        found = list(pictures)
    if not isinstance(masks, (str, os.PathLike)):
        truths = list(masks)
        if len(truths) != len(found):
            raise InvalidArgumentError(f"expected as many masks as pictures, found {len(truths)} and {len(found)}")
        return list(zip(found, truths))
    if not all(isinstance(path, (str, os.PathLike)) for path in found):
        raise InvalidArgumentError(
            "masks in a folder are found by the names of pictures: give paths, or a list of masks"
        )
    paths = [Path(masks) / f"{Path(path).stem}.png" for path in found]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        more = ", ..." if len(missing) > 5 else ""
        raise NotFoundError(
            f"{masks}: {len(missing)} of {len(paths)} masks are missing: {', '.join(missing[:5])}{more}"
        )
    return list(zip(found, paths))
