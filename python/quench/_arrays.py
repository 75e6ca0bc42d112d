"""Arrays of Python as tensors of C: no copy where the memory suits."""

from __future__ import annotations

import importlib
from typing import Any, Union

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ._native import ffi, lib
from ._status import InvalidArgumentError, UnsupportedError, text_of

Array = NDArray[Any]
# What is taken for an array: one of NumPy, what has `__dlpack__` (torch.Tensor), `__array__` or the buffer protocol, or
# lists of numbers.
ArrayLike = Any
Shape = tuple[Union[int, None], ...]


def _find_bfloat16() -> np.dtype[Any]:
    """ml_dtypes' bfloat16 where that is installed, else the bits as uint16."""
    try:
        found: np.dtype[Any] = np.dtype(importlib.import_module("ml_dtypes").bfloat16)
    except ImportError:
        return np.dtype(np.uint16)
    return found


def _list_dtypes() -> dict[int, np.dtype[Any]]:
    """The element types of quench that NumPy has, by their numbers."""
    found = {}
    for code in range(1, lib.QN_DTYPE_COUNT):
        name = text_of(lib.qn_dtype_numpy_name(code))
        if code == lib.QN_DTYPE_BF16:
            found[code] = _find_bfloat16()
        elif lib.qn_dtype_size(code):
            found[code] = np.dtype(name)
    return found


_dtypes = _list_dtypes()
# Where bfloat16 stands for its bits, arrays of uint16 are what they say.
_codes = {dtype: code for code, dtype in _dtypes.items() if code != lib.QN_DTYPE_BF16 or dtype != np.uint16}
MAX_RANK: int = lib.QN_MAX_RANK


def dtype_of(code: int) -> np.dtype[Any]:
    """NumPy's type of one of quench."""
    try:
        return _dtypes[code]
    except KeyError:
        raise UnsupportedError(f"element type {code} has no counterpart in NumPy") from None


def code_of(dtype: DTypeLike, what: str) -> int:
    """The type of quench of one of NumPy; "bfloat16" is known by name."""
    if isinstance(dtype, str) and dtype == "bfloat16":
        return int(lib.QN_DTYPE_BF16)
    found = np.dtype(dtype)
    try:
        return _codes[found]
    except KeyError:
        known = ", ".join(str(one) for one in _codes if one.name != "bfloat16")
        raise InvalidArgumentError(f"{what}: no element type {found}; there are {known}, bfloat16") from None


def shape_text(shape: Shape) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


def as_array(value: ArrayLike, what: str, dtype: np.dtype[Any] | None = None) -> Array:
    """The array of what a caller gave, over the same memory where it has any.

    `dtype` is what lists of numbers become; nothing else is converted.
    """
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "__dlpack__"):
        return _from_dlpack(value, what)
    if hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
        return np.asarray(value)
    try:
        return np.asarray(memoryview(value))
    except TypeError:
        pass
    try:
        return np.ascontiguousarray(np.array(value, dtype=dtype))
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{what}: expected an array, found {type(value).__name__} ({error})") from None


def _from_dlpack(value: Any, what: str) -> Array:
    kind = int(value.__dlpack_device__()[0])
    if kind != 1:
        raise InvalidArgumentError(f"{what}: is on another device; quench reads the CPU's memory: give tensor.cpu()")
    if getattr(value, "requires_grad", False):
        raise InvalidArgumentError(f"{what}: is part of a gradient's graph: give tensor.detach()")
    try:
        array: Array = np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError) as error:
        raise InvalidArgumentError(f"{what}: cannot be taken as an array: {error}") from None
    if not array.flags.writeable and hasattr(value, "__array__"):
        other = np.asarray(value)  # older NumPy takes all of DLPack for read-only
        if other.__array_interface__["data"][0] == array.__array_interface__["data"][0]:
            return other
    return array


def need_contiguous(array: Array, what: str) -> None:
    if not array.flags.c_contiguous:
        raise InvalidArgumentError(
            f"{what}: its elements do not lie one after another in memory (strides {array.strides}): "
            "give numpy.ascontiguousarray(x)"
        )


def pointer_to(array: Array, what: str, writable: bool = False) -> Any:
    """Where an array's elements are, for as long as what is returned lives."""
    need_contiguous(array, what)
    if writable and not array.flags.writeable:
        raise InvalidArgumentError(
            f"{what}: is read-only, and results are written there: give a writable array, or none"
        )
    if array.dtype.hasobject:
        raise InvalidArgumentError(f"{what}: holds Python objects, expected numbers")
    try:
        return ffi.from_buffer(array, require_writable=writable)
    except (BufferError, ValueError, TypeError):  # types that the buffer protocol does not know
        return ffi.from_buffer(array.reshape(-1).view(np.uint8), require_writable=writable)


def set_dims(tensor: Any, shape: tuple[int, ...], what: str) -> None:
    if len(shape) > MAX_RANK:
        raise InvalidArgumentError(f"{what}: has {len(shape)} dims, {MAX_RANK} is the most")
    tensor.rank = len(shape)
    tensor.dims[0 : len(shape)] = shape


def fill_tensor(tensor: Any, array: Array, what: str, writable: bool = False) -> Any:
    """Describes an array in a `qn_tensor`; what is returned has to live as long as the tensor is used."""
    tensor.dtype = code_of(array.dtype, what)
    set_dims(tensor, array.shape, what)
    data = pointer_to(array, what, writable)
    tensor.data = data
    tensor.capacity_bytes = 0
    return data


def shape_of(tensor: Any) -> tuple[int, ...]:
    return tuple(tensor.dims[0 : tensor.rank])


def copy_tensor(tensor: Any) -> Array:
    """A tensor of C as an array of its own."""
    dtype, shape = dtype_of(tensor.dtype), shape_of(tensor)
    array = np.empty(shape, dtype)
    if array.nbytes:
        ffi.memmove(pointer_to(array, "copy", writable=True), tensor.data, array.nbytes)
    return array


class TensorInfo:
    """What is known of an input or output.

    `shape` and `max_shape` have None where a size is free, or has no upper bound; `reasons` says of inputs what bounds
    each size ("": the declaration alone). `dtype` is NumPy's; bfloat16 is that of ml_dtypes, or uint16 without it.
    """

    __slots__ = ("_code", "dtype", "max_shape", "min_shape", "name", "reasons", "shape")

    def __init__(self, info: Any) -> None:
        rank = range(info.rank)
        self._code: int = info.dtype
        self.name = text_of(info.name)
        self.dtype = dtype_of(info.dtype)
        self.shape: Shape = tuple(None if info.dims[i] < 0 else info.dims[i] for i in rank)
        self.min_shape: tuple[int, ...] = tuple(info.min_dims[i] for i in rank)
        self.max_shape: Shape = tuple(None if info.max_dims[i] >= 2**63 - 1 else info.max_dims[i] for i in rank)
        self.reasons: tuple[str, ...] = tuple(text_of(info.reasons[i]) for i in rank)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.dtype}{shape_text(self.shape)}>"
