"""Samples of Python for C: iterables of arrays, dicts, paths or pictures as `qn_samples`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Union

import numpy as np

from ._arrays import Array, TensorInfo, as_array, fill_tensor
from ._call import current_call
from ._native import ffi, lib
from ._status import InvalidArgumentError, NotFoundError, make_status

if TYPE_CHECKING:
    from .vision import Vision

# A folder, or anything that can be iterated, or a function that gives an iterator (which can be asked again).
SamplesLike = Union[str, "os.PathLike[str]", Iterable[Any], Callable[[], Iterable[Any]]]

_endings = (".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".npy")


class Reader:
    """Turns the items of an iterable into the arrays of one run each.

    An item is an array (for a network of one input), a dict of arrays by the names of inputs, a tuple of arrays in the
    order of inputs, the path of a .npy file or of a picture, or a picture (what has PIL's `getbands`). A sample that
    lacks the first dim of its input gets it. Pictures are fitted as `quench segment` does; where they run in tiles,
    each is a sample.
    """

    def __init__(self, inputs: Sequence[TensorInfo], find_vision: Callable[[], Vision]) -> None:
        self._inputs = inputs
        self._find_vision = find_vision

    def read(self, item: Any) -> Iterator[list[Array]]:
        if self._is_picture(item):
            yield from self._picture(item)
        elif isinstance(item, (str, os.PathLike)):
            yield self._one(_load(os.fspath(item)), os.fspath(item))
        elif isinstance(item, Mapping):
            yield self._by_name(item)
        elif isinstance(item, tuple) and len(item) == len(self._inputs):
            yield [self._fit(value, info) for value, info in zip(item, self._inputs)]
        else:
            yield self._one(item, "sample")

    def read_labelled(self, item: Any, labels: Any) -> Iterator[tuple[list[Array], Array]]:
        """The same with true labels: of a picture its mask, a path or [H, W];

        else what the model's answer looks like.
        """
        if self._is_picture(item):
            for tile, truth in self._find_vision().labelled_inputs_of(item, labels):
                yield [tile], truth
            return
        for row in self.read(item):
            yield row, as_array(labels, "labels")

    @staticmethod
    def _is_picture(item: Any) -> bool:
        if isinstance(item, (str, os.PathLike)):
            return not os.fspath(item).lower().endswith(".npy")
        return hasattr(item, "getbands")

    def _picture(self, picture: Any) -> Iterator[list[Array]]:
        for tile in self._find_vision().inputs_of(picture):
            yield [tile]

    def _one(self, value: Any, what: str) -> list[Array]:
        if len(self._inputs) != 1:
            names = ", ".join(info.name for info in self._inputs)
            raise InvalidArgumentError(f"{what}: the network has {len(self._inputs)} inputs: give a dict with {names}")
        return [self._fit(value, self._inputs[0])]

    def _by_name(self, item: Mapping[Any, Any]) -> list[Array]:
        names = [info.name for info in self._inputs]
        unknown, missing = [key for key in item if key not in names], [name for name in names if name not in item]
        if unknown or missing:
            found = ", ".join(map(str, item))
            raise NotFoundError(f"sample: the network's inputs are {', '.join(names)}; found {found}")
        return [self._fit(item[info.name], info) for info in self._inputs]

    @staticmethod
    def _fit(value: Any, info: TensorInfo) -> Array:
        array = as_array(value, f"sample for input {info.name!r}", info.dtype)
        array = np.asarray(array, order="C")
        return array[None] if array.ndim == len(info.shape) - 1 else array


def _load(path: str) -> Array:
    try:
        array: Array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise NotFoundError(f"{path}: there is no such file") from None
    except ValueError as error:
        raise InvalidArgumentError(f"{path}: {error}") from None
    return array


def list_items(source: SamplesLike) -> Any:
    """What to iterate over: of a folder its pictures and arrays, sorted."""
    if not isinstance(source, (str, os.PathLike)):
        return source
    folder = Path(source)
    if not folder.is_dir():
        return [folder]
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _endings)
    if not found:
        raise NotFoundError(f"{folder}: holds no pictures (JPEG, PNG, PPM, PGM) and no arrays (.npy)")
    return found


class Samples:
    """An iterable as `qn_samples`. Used while a `Call` is entered, which keeps what the iterable raises.

    With `labels` each item is a pair of a sample and its true labels.
    """

    def __init__(self, source: SamplesLike, reader: Reader, labels: bool = False) -> None:
        self._source = list_items(source)
        self._reader = reader
        self._has_labels = labels
        self._rows = self._start()
        self._started = False
        self._kept: list[Any] = []
        self._labels: Array | None = None
        self._handle = ffi.new_handle(self)

    def fill(self, struct: Any) -> Any:
        """Describes the samples in a `qn_samples`, which is returned."""
        struct.self, struct.count = self._handle, self._count()
        struct.next, struct.rewind = lib.qn_python_next, lib.qn_python_rewind
        struct.labels = lib.qn_python_labels if self._has_labels else ffi.NULL
        return struct

    def _count(self) -> int:
        return len(self._source) if hasattr(self._source, "__len__") else -1

    def _start(self) -> Iterator[list[Array]]:
        source = self._source() if callable(self._source) else self._source
        try:
            items = iter(source)
        except TypeError:
            raise InvalidArgumentError(
                f"samples: expected something to iterate over, found {type(source).__name__}"
            ) from None
        return self._rows_of(items)

    def _rows_of(self, items: Iterator[Any]) -> Iterator[list[Array]]:
        for item in items:
            if not self._has_labels:
                yield from self._reader.read(item)
                continue
            for row, labels in self._reader.read_labelled(*self._split(item)):
                self._labels = np.ascontiguousarray(labels)
                yield row

    @staticmethod
    def _split(item: Any) -> tuple[Any, Any]:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise InvalidArgumentError("samples: expected pairs (sample, labels), since true labels are to be compared")
        return item[0], item[1]

    def next(self, inputs: Any, count: int) -> bool:
        """Fills the next sample in; False at the end."""
        self._started = True
        row = next(self._rows, None)
        if row is None:
            return False
        self._kept = [fill_tensor(inputs[i], row[i], f"input {i} of a sample") for i in range(min(count, len(row)))]
        return True

    def rewind(self) -> None:
        if not self._started:
            return
        if iter(self._source) is self._source if not callable(self._source) else False:
            raise InvalidArgumentError(
                "samples: they are needed more than once: give a list, or a function that gives an iterator"
            )
        self._rows, self._started = self._start(), False

    def labels(self, tensor: Any) -> None:
        if self._labels is None:
            raise InvalidArgumentError("samples: the sample has no labels")
        self._kept.append(fill_tensor(tensor, self._labels, "labels of a sample"))


def _guard(handle: Any, work: Callable[[Samples], None]) -> Any:
    """Does some work for C; what it raises is kept for the call and answered as a status."""
    try:
        work(ffi.from_handle(handle))
    except BaseException as error:
        call = current_call()
        if call is not None and call.failure is None:
            call.failure = error
        return make_status(error)
    return ffi.NULL


@ffi.def_extern()  # type: ignore[untyped-decorator]
def qn_python_next(handle: Any, inputs: Any, count: int, out_has: Any) -> Any:
    def work(samples: Samples) -> None:
        out_has[0] = int(samples.next(inputs, count))

    return _guard(handle, work)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def qn_python_rewind(handle: Any) -> Any:
    return _guard(handle, Samples.rewind)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def qn_python_labels(handle: Any, tensor: Any) -> Any:
    return _guard(handle, lambda samples: samples.labels(tensor))
