"""Pictures in, label maps out."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._arrays import Array, as_array, copy_tensor, dtype_of, fill_tensor
from ._call import Call
from ._handle import Handle
from ._native import ffi, lib
from ._status import BusyError, InvalidArgumentError, bytes_of, check, path_of
from .context import Context
from .engine import Engine
from .frames import Frame
from .model import Model
from .pictures import (
    Palette,
    PictureLike,
    Pixels,
    as_picture,
    borrow_image,
    encode_png,
    load_mask,
    mark_result,
    new_image,
    resize,
    take_image,
    write_file,
)

_answers = {lib.QN_VISION_LABELS: "labels", lib.QN_VISION_LOGITS: "logits"}
_answers.update({lib.QN_VISION_FOREGROUND: "foreground", lib.QN_VISION_SCORES: "scores"})


class Vision(Handle):
    """What a model says of pictures: how they go in, and what comes out.

    `fit` ("shrink", "longest", "stretch", "tile"; None: as the model says) is how pictures that do not fit are made to.

    Errors: UnsupportedError (the model says nothing of pictures, and how to build that in), InvalidModelError.

    >>> import quench
    >>> vision = quench.Vision(quench.Model("scenes.qn"))
    >>> vision.answer, vision.class_count
    ('labels', 9)
    """

    def __init__(self, model: Model, *, fit: str | None = None) -> None:
        options, out = ffi.new("qn_vision_options *"), ffi.new("qn_vision **")
        lib.qn_vision_options_init(options)
        if fit is not None:
            mode = ffi.new("qn_image_fit_mode *")
            check(lib.qn_image_fit_mode_from_name(bytes_of(fit), mode))
            options.has_fit, options.fit = 1, mode[0]
        check(lib.qn_vision_create(model._pointer, options, out))
        self._own(out[0], lib.qn_vision_destroy)
        self.model = model
        self._context: Context | None = None

    @property
    def _info(self) -> Any:
        return lib.qn_vision_get_info(self._pointer)

    @property
    def answer(self) -> str:
        """What the output holds: "labels", "logits", "foreground" or "scores" (of the whole picture)."""
        return _answers[self._info.answer]

    @property
    def class_count(self) -> int:
        """How many classes there are; 0: not known."""
        return int(self._info.class_count)

    @property
    def channels(self) -> int:
        return int(self._info.channels)

    def load_palette(self, name: str | os.PathLike[str] | None = None) -> Palette:
        """A palette; None: what the model says, or what suits the number of classes."""
        label = ffi.NULL if name is None else ffi.new("char[]", path_of(name))
        return Palette._from(lambda out: lib.qn_vision_load_palette(self._pointer, label, 0, out))

    def inputs_of(self, picture: PictureLike) -> Iterator[Array]:
        """The arrays that go into the model for a picture: one, or one for each tile."""
        pixels = as_picture(picture, self.channels)
        fit = self._plan(pixels)
        if pixels.shape[:2] != (fit.height, fit.width):
            pixels = resize(pixels, fit.width, fit.height)
        for tile in _tiles_of(fit):
            yield self.fill(pixels[tile])

    def labelled_inputs_of(self, picture: PictureLike, mask: PictureLike) -> Iterator[tuple[Array, Pixels]]:
        """The same with the true labels of each, [1, H, W] in the size of the model's answer;

        255 where it is padded.
        """
        pixels = as_picture(picture, self.channels)
        fit = self._plan(pixels)
        truth = load_mask(mask) if isinstance(mask, (str, os.PathLike, bytes)) else as_array(mask, "mask")
        if truth.shape != (fit.height, fit.width):
            truth = resize(truth, fit.width, fit.height, "nearest")
        for array, tile in zip(self.inputs_of(pixels), _tiles_of(fit)):
            yield array, self._fit_labels(truth[tile], array.shape)

    def _fit_labels(self, truth: Array, shape: tuple[int, ...]) -> Pixels:
        """Nearest neighbours of labels that lie at the top left of an input of that shape."""
        if self._context is None:
            self._context = Context(Engine(self.model, threads=1))
        info = self._info
        answer = self._context.set_shapes(shape)[info.output]
        rows, columns = answer[info.row_axis], answer[info.row_axis + 1]
        y = (2 * np.arange(rows) + 1) * shape[info.height_axis] // (2 * rows)
        x = (2 * np.arange(columns) + 1) * shape[info.height_axis + 1] // (2 * columns)
        labels: Pixels = np.full((1, rows, columns), lib.QN_IMAGE_IGNORE_LABEL, np.uint8)
        judged = np.ix_(y < truth.shape[0], x < truth.shape[1])
        labels[0][judged] = truth[np.ix_(y[y < truth.shape[0]], x[x < truth.shape[1]])]
        return labels

    def _plan(self, pixels: Pixels) -> Any:
        fit = ffi.new("qn_image_fit *")
        check(lib.qn_vision_plan(self._pointer, pixels.shape[1], pixels.shape[0], fit))
        return fit

    def fill(self, pixels: Array) -> Array:
        """A picture as the model wants it: channels in its order, normalised, padded at the right and below."""
        image, kept = borrow_image(pixels)
        dims, info = ffi.new("int64_t[]", lib.QN_MAX_RANK), self._info
        check(lib.qn_vision_make_dims(self._pointer, image.width, image.height, dims))
        array = np.empty(tuple(dims[0 : info.rank]), dtype_of(info.dtype))
        tensor = ffi.new("qn_tensor *")
        data = fill_tensor(tensor, array, "input", writable=True)
        check(lib.qn_vision_fill(self._pointer, image, tensor))
        del kept, data
        return array

    def take(self, output: Array, width: int, height: int) -> Pixels:
        """What the model answered, its output `output`, as labels [height, width]."""
        array = as_array(output, "output")
        tensor, labels = ffi.new("qn_tensor *"), new_image()
        kept = fill_tensor(tensor, array, "output")
        check(lib.qn_vision_take(self._pointer, tensor, width, height, labels))
        del kept
        return take_image(labels)


def _tiles_of(fit: Any) -> Iterator[tuple[slice, slice]]:
    """The tiles of a picture, as indices into its pixels."""
    for index in range(fit.columns * fit.rows):
        tile = lib.qn_image_fit_tile(fit, index)
        yield slice(tile.y, tile.y + tile.height), slice(tile.x, tile.x + tile.width)


class Segmentation:
    """The labels of one picture, and ways to show them. In a notebook it shows itself over the photo.

    `labels` [H, W] hold the class of each pixel; `ms` is the time that the network took, `net_size` the width and
    height at which it ran, `runs` how often (tiles).
    """

    def __init__(self, photo: Pixels, labels: Pixels, palette: Palette, info: Any) -> None:
        self.photo, self.labels, self.palette = photo, labels, palette
        self.ms: float = info.ms
        self.net_size: tuple[int, int] = (info.net_width, info.net_height)
        self.runs: int = info.runs
        self._areas = list(info.areas)

    @property
    def areas(self) -> dict[str, int]:
        """Pixels of each class that appears, by its name, the largest first."""
        found = [(self.palette.name_of(label), area) for label, area in enumerate(self._areas) if area]
        return dict(sorted(found, key=lambda item: -item[1]))

    def colors(self) -> Pixels:
        """The colours of the labels, [H, W, 3]."""
        return self.palette.colorize(self.labels)

    def overlay(self, alpha: float = 0.5) -> Pixels:
        """The photo with the colours over it. The labels have the photo's size."""
        return self.palette.overlay(self.photo, self.labels, alpha)

    def legend(self) -> Pixels:
        """Names and shares of the classes."""
        return self.palette.legend(self._areas, self.labels.shape[0])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the labels as `quench segment` does: an indexed PNG whose values are classes. FileError."""
        write_file(path, mark_result(encode_png(self.labels, self.palette)))

    def _repr_png_(self) -> bytes:
        fits = self.photo.shape[:2] == self.labels.shape
        return encode_png(self.overlay() if fits else self.colors())

    def __repr__(self) -> str:
        height, width = self.labels.shape
        return f"<Segmentation {width} x {height}: {', '.join(self.areas)}>"


class Segmenter(Handle):
    """Takes pictures to label maps, the same that `quench segment` saves.

    `model` is a Model, the path of one, or an Engine, which serves any number of segmenters. `smooth` enlarges scores
    rather than labels, for models that give scores; `fit` is as of `Vision`; `palette` names one or is one.

    Errors: those of `Model`, `Engine` and `Vision`; UnsupportedError (the model classifies, or `smooth` with labels).
    Threads: one at a time; another one raises BusyError.

    >>> import quench
    >>> segmenter = quench.Segmenter("scenes.qn", palette="palette.txt")
    >>> result = segmenter.run("photo.jpg")
    >>> result.labels.shape, result.labels.dtype
    ((161, 161), dtype('uint8'))
    >>> result.save("mask.png")
    >>> bool((quench.load_mask("mask.png") == result.labels).all())
    True
    """

    def __init__(
        self,
        model: Model | Engine | str | os.PathLike[str],
        *,
        smooth: bool = False,
        fit: str | None = None,
        palette: Palette | str | os.PathLike[str] | None = None,
        threads: int = 0,
    ) -> None:
        if isinstance(model, (str, os.PathLike)):
            model = Model(model)
        if not isinstance(model, (Model, Engine)):
            raise InvalidArgumentError(f"model: expected a Model, an Engine or a path, found {type(model).__name__}")
        self.engine = model if isinstance(model, Engine) else Engine(model, threads=threads)
        source = model.model if isinstance(model, Engine) else model
        self.vision = Vision(source, fit=fit)
        self.palette = palette if isinstance(palette, Palette) else self.vision.load_palette(palette)
        self._channels = self.vision.channels
        self._context = Context(self.engine)
        self._lock = threading.Lock()
        self._call = Call()  # what Ctrl-C is told to
        options, out = ffi.new("qn_segmenter_options *"), ffi.new("qn_segmenter **")
        lib.qn_segmenter_options_init(options)
        options.is_smooth = int(smooth)
        options.cancel, options.cancel_self = lib.qn_python_cancel, self._call.handle
        pointers = (self.vision._pointer, source._pointer, self._context._pointer)
        check(lib.qn_segmenter_create(*pointers, options, out))
        # C borrows vision and context: they live as long, whoever closes them.
        self._own(out[0], lambda pointer, _=pointers: lib.qn_segmenter_destroy(pointer))

    def run(self, photo: PictureLike | Frame, size: tuple[int, int] | None = None) -> Segmentation:
        """Labels every pixel of a picture: a path, encoded bytes, an array [H, W, 3] or [H, W] of uint8, PIL's, a
        Frame.

        `size` is the width and height of the label map; None: the picture's. Errors: those of `load_image`,
        InvalidArgumentError, BusyError, ClosedError.
        """
        pixels = photo.to_pixels() if isinstance(photo, Frame) else as_picture(photo, self._channels)
        image, kept = borrow_image(pixels, "photo")
        width, height = (0, 0) if size is None else size
        labels, info = new_image(), ffi.new("qn_segmenter_info *")
        if not self._lock.acquire(False):
            raise BusyError("the segmenter is in use on another thread: give each thread its own (Segmenter(engine))")
        try:
            with self._call as call:
                call.check(lib.qn_segmenter_run(self._pointer, image, width, height, labels, info))
        finally:
            self._lock.release()
        del kept
        return Segmentation(pixels, take_image(labels), self.palette, info)

    def scores(self) -> Array:
        """A copy of what the network itself answered to the last picture. UnavailableError before one, and in tiles."""
        tensor = ffi.new("qn_tensor *")
        check(lib.qn_segmenter_get_scores(self._pointer, tensor))
        return copy_tensor(tensor)

    def close(self) -> None:
        """Frees it. BusyError while a run is active."""
        if not self._lock.acquire(False):
            raise BusyError("the segmenter is in use on another thread: close it when that is done")
        try:
            super().close()
        finally:
            self._lock.release()
