"""Pictures, label maps and palettes: files and arrays."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._arrays import Array, as_array
from ._handle import Handle
from ._native import ffi, lib
from ._status import InvalidArgumentError, bytes_of, check, path_of, text_of

Pixels = NDArray[np.uint8]
# A path, encoded bytes, an array [H, W, 3] or [H, W] of uint8, or a picture of PIL.
PictureLike = Any

_filters = {"nearest": "QN_IMAGE_NEAREST", "bilinear": "QN_IMAGE_BILINEAR", "area": "QN_IMAGE_AREA"}


def take_image(image: Any) -> Pixels:
    """The pixels of a `qn_image` that C filled, over its memory: [H, W, 3], or [H, W] where there is one channel."""
    shape = (image.height, image.width, image.channels)
    # The array holds `data`, and `data` the struct, which is freed with it.
    data = ffi.gc(image.data, lambda _: lib.qn_image_deinit(image), int(np.prod(shape)))
    pixels: Pixels = np.frombuffer(ffi.buffer(data, int(np.prod(shape))), np.uint8).reshape(shape)
    return pixels[..., 0] if image.channels == 1 else pixels


def new_image() -> Any:
    return ffi.new("qn_image *")


def borrow_image(pixels: Array, what: str = "picture") -> tuple[Any, Any]:
    """A `qn_image` over an array, and what has to live as long."""
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3)):
        raise InvalidArgumentError(
            f"{what}: expected uint8 of [height, width, 3] or [height, width], "
            f"found {pixels.dtype} of {list(pixels.shape)}"
        )
    pixels = np.ascontiguousarray(pixels)
    image = new_image()
    image.height, image.width = pixels.shape[:2]
    image.channels = pixels.shape[2] if pixels.ndim == 3 else 1
    image.stride_bytes = image.width * image.channels
    data = ffi.from_buffer("uint8_t[]", pixels.reshape(-1))
    image.data = data
    return image, data


def load_image(source: str | os.PathLike[str] | bytes, channels: int = 3) -> Pixels:
    """Reads a JPEG, PNG, PPM or PGM, from a file or its bytes, as a viewer would show it: [H, W, 3], R, G, B.

    `channels`: 3, 1 (gray, [H, W]), or 0 (as the file has it). Errors: NotFoundError, FileError, InvalidArgumentError
    (damaged or cut short), UnsupportedError (another format), LimitError.

    >>> import quench
    >>> quench.load_image("photo.jpg").shape
    (161, 161, 3)
    """
    options = ffi.new("qn_image_decode_options *")
    lib.qn_image_decode_options_init(options)
    options.channels = channels
    return _read(source, options, lib.qn_image_load, lib.qn_image_decode)


def load_mask(source: str | os.PathLike[str] | bytes) -> Pixels:
    """Reads a label map, [H, W]: an indexed or gray PNG, or a PGM, whose values are classes.

    Errors as of `load_image`.
    """
    return _read(source, ffi.NULL, lib.qn_image_load_mask, lib.qn_image_decode_mask)


def _read(source: str | os.PathLike[str] | bytes, options: Any, load: Any, decode: Any) -> Pixels:
    image = new_image()
    if isinstance(source, (str, os.PathLike)):
        check(load(path_of(source), options, ffi.NULL, image))
    else:
        buffer = ffi.from_buffer(source)
        check(decode(buffer, len(buffer), b"picture", options, ffi.NULL, image))
    return take_image(image)


def as_picture(source: PictureLike, channels: int = 3) -> Pixels:
    """The pixels of whatever says a picture."""
    if isinstance(source, (str, os.PathLike, bytes)):
        return load_image(source, channels)
    if hasattr(source, "getbands") and source.mode not in ("L", "RGB"):
        source = source.convert("RGB")
    return as_array(source, "picture", np.dtype(np.uint8))


def resize(pixels: Array, width: int, height: int, filter: str = "bilinear") -> Pixels:
    """Scales a picture ("bilinear", "area") or a label map ("nearest"); the same bytes on every machine."""
    if filter not in _filters:
        raise InvalidArgumentError(f"filter: expected one of {', '.join(_filters)}, found {filter!r}")
    image, kept = borrow_image(pixels)
    scaled = new_image()
    check(lib.qn_image_resize(image, width, height, getattr(lib, _filters[filter]), ffi.NULL, scaled))
    del kept
    return take_image(scaled)


def encode_png(pixels: Array, palette: Palette | None = None) -> bytes:
    """A PNG: RGB, gray, or with a palette indexed, where the value is the class."""
    image, kept = borrow_image(pixels)
    buffer = ffi.new("qn_image_buffer *")
    check(lib.qn_image_encode_png(image, ffi.NULL if palette is None else palette._pointer, ffi.NULL, buffer))
    del kept
    try:
        return bytes(ffi.buffer(buffer.data, buffer.bytes))
    finally:
        lib.qn_image_buffer_deinit(buffer)


def save_png(path: str | os.PathLike[str], pixels: Array, palette: Palette | None = None) -> None:
    """Writes `encode_png` to a file, whole or not at all. FileError."""
    write_file(path, encode_png(pixels, palette))


def mark_result(png: bytes) -> bytes:
    """The same PNG with the mark of results of `quench segment`, which then takes none of them for a photo."""
    kind, text = b"tEXt", b"Software\0quench segment"
    chunk = struct.pack(">I", len(text)) + kind + text + struct.pack(">I", zlib.crc32(kind + text))
    return png[:-12] + chunk + png[-12:]


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    check(lib.qn_file_write_atomic(path_of(path), data, len(data)))


class Palette(Handle):
    """Names and colours of classes: "voc", "ade20k", "cityscapes", or a text file with `name r g b` in its lines.

    Errors: NotFoundError (neither, with the nearest name), InvalidArgumentError with the line, LimitError.

    >>> import quench
    >>> quench.Palette("palette.txt").names[:3]
    ['background', 'disc', 'square']
    """

    def __init__(self, name: str | os.PathLike[str]) -> None:
        self._adopt(lambda out: lib.qn_image_palette_load(path_of(name), ffi.NULL, out))

    @classmethod
    def from_names(cls, names: Sequence[str]) -> Palette:
        """PASCAL's colours for a list of names."""
        labels = [ffi.new("char[]", bytes_of(name)) for name in names]
        return cls._from(lambda out: lib.qn_image_palette_from_names(labels, len(labels), ffi.NULL, out))

    @classmethod
    def _from(cls, make: Any) -> Palette:
        palette = cls.__new__(cls)
        palette._adopt(make)
        return palette

    def _adopt(self, make: Any) -> None:
        out = ffi.new("qn_image_palette *")
        check(make(out))
        self._own(out, lib.qn_image_palette_deinit)

    @property
    def names(self) -> list[str]:
        """Names of the classes."""
        pointer = self._pointer
        return [text_of(pointer.names[i]) for i in range(pointer.class_count)]

    @property
    def colors(self) -> Pixels:
        """R, G, B of every label: [256, 3]."""
        colors: Pixels = np.frombuffer(ffi.buffer(self._pointer.colors), np.uint8).reshape(-1, 3).copy()
        return colors

    def name_of(self, label: int) -> str:
        """The name of a class, or its number."""
        names = self.names
        return names[label] if label < len(names) else f"class {label}"

    def colorize(self, labels: Array) -> Pixels:
        """Each label replaced by its colour: [H, W, 3]."""
        image, kept = borrow_image(labels, "labels")
        colored = new_image()
        check(lib.qn_image_colorize(image, self._pointer, ffi.NULL, colored))
        del kept
        return take_image(colored)

    def labels_of(self, picture: PictureLike) -> Pixels:
        """The opposite of `colorize`: the labels [H, W] of a coloured picture, 255 for what is not judged.

        InvalidArgumentError: a colour that no class has, with its place, or red and blue exchanged.
        """
        image, kept = borrow_image(as_picture(picture))
        labels = new_image()
        check(lib.qn_image_from_colors(image, self._pointer, ffi.NULL, labels))
        del kept
        return take_image(labels)

    def overlay(self, photo: PictureLike, labels: Array, alpha: float = 0.5) -> Pixels:
        """A photo with the labels' colours over it; `alpha` is 0 (only the photo) to 1 (only the colours)."""
        below, first = borrow_image(as_picture(photo), "photo")
        image, second = borrow_image(labels, "labels")
        over = new_image()
        check(lib.qn_image_overlay(below, image, self._pointer, alpha, ffi.NULL, over))
        del first, second
        return take_image(over)

    def legend(self, areas: Sequence[int], height: int = 0, scale: int = 0) -> Pixels:
        """The classes that appear, the largest first: swatch, name, share of the area."""
        counts = ffi.new("int64_t[]", lib.QN_IMAGE_CLASSES_MAX)
        counts[0 : len(areas)] = list(areas)
        legend = new_image()
        check(lib.qn_image_legend(counts, self._pointer, scale, height, ffi.NULL, legend))
        return take_image(legend)
