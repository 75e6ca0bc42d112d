"""Dims, element types and layouts."""

from __future__ import annotations

import enum
import operator
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from .._arrays import Shape
from .._status import InvalidArgumentError, UnsupportedError


class Dims(tuple[int, ...]):
    """Sizes; -1 where one is open. A tuple otherwise.

    >>> import quench.magicmind as mm
    >>> dims = mm.Dims((1, -1, 513, 3))
    >>> dims.GetDims(), dims.GetDimValue(2), dims.GetElementCount(), mm.Dims(()).GetElementCount()
    ([1, -1, 513, 3], 513, -1, 1)
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[int] = ()) -> Dims:
        try:
            found = tuple(operator.index(size) for size in sizes)
        except TypeError:
            raise InvalidArgumentError(f"Dims: expected whole numbers in a list, found {sizes!r}") from None
        if any(size < -1 for size in found):
            raise InvalidArgumentError(f"Dims: expected sizes, -1 where one is open, found {list(found)}")
        return super().__new__(cls, found)

    def GetDims(self) -> list[int]:  # noqa: N802
        return list(self)

    def GetDimsNum(self) -> int:  # noqa: N802
        return len(self)

    def GetDimValue(self, index: int) -> int:  # noqa: N802
        return self[index]

    def GetElementCount(self) -> int:  # noqa: N802
        """How many elements that is; -1 where a size is open."""
        return -1 if -1 in self else int(np.prod(self, dtype=np.int64))

    def __repr__(self) -> str:
        return f"Dims({list(self)})"


class DataType(enum.Enum):
    """Element types; those of quench that MagicMind lacks have no name here. FLOAT and HALF are what tools write."""

    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    FLOAT16 = "float16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BOOL = "bool"
    QINT8 = "qint8"
    QINT16 = "qint16"
    TENSORLIST = "tensorlist"
    HALF = "float16"  # noqa: PIE796 - another name of the same
    FLOAT = "float32"  # noqa: PIE796


class Layout(enum.Enum):
    """Orders of dims. They are text only: quench's tensors have the dims that they have."""

    NONE = 0
    NCHW = 1
    NHWC = 2
    HWCN = 3
    TNC = 4
    NTC = 5
    NCT = 6
    NCDHW = 7
    NDHWC = 8
    ARRAY = 0  # noqa: PIE796 - the later name of NONE


class TensorLocation(enum.Enum):
    """Where a tensor lies: always in the memory of the host."""

    kHost = 0  # noqa: N815
    kMLU = 1  # noqa: N815
    kRemoteHost = 2  # noqa: N815
    kRemoteMLU = 3  # noqa: N815


class Range(NamedTuple):
    """The least and the greatest value of a tensor."""

    min: float
    max: float


def to_numpy(datatype: DataType) -> np.dtype[Any]:
    """NumPy's type of one of MagicMind."""
    if not isinstance(datatype, DataType):
        raise InvalidArgumentError(f"expected one of DataType, found {datatype!r}: give DataType.FLOAT32")
    names = {DataType.QINT8: "int8", DataType.QINT16: "int16"}
    if datatype is DataType.TENSORLIST:
        raise UnsupportedError("DataType.TENSORLIST: quench has no lists of tensors, each is an output of its own")
    found: np.dtype[Any] = np.dtype(names.get(datatype, datatype.value))
    return found


def from_numpy(dtype: DTypeLike) -> DataType:
    """MagicMind's type of one of NumPy."""
    try:
        return DataType(np.dtype(dtype).name)
    except (TypeError, ValueError):
        raise UnsupportedError(f"{dtype} has no counterpart among MagicMind's types") from None


def to_dims(shape: Shape) -> Dims:
    """The dims of a shape of quench."""
    return Dims(-1 if size is None else size for size in shape)


def from_dims(dims: Any, what: str) -> list[int | None]:
    """A shape of quench of dims, or of anything that lists sizes."""
    if not isinstance(dims, (Dims, list, tuple)):
        raise InvalidArgumentError(f"{what}: expected Dims, found {dims!r}")
    return [None if size == -1 else size for size in Dims(dims)]
