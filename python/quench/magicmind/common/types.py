"""Stands for `magicmind.python.common.types`: element types of NumPy and of MagicMind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..types import DataType, from_numpy, to_numpy

__all__ = ["get_datatype_by_numpy", "get_numpy_dtype_by_datatype"]


def get_datatype_by_numpy(dtype: DTypeLike) -> DataType:
    """
    >>> import numpy as np
    >>> get_datatype_by_numpy(np.uint8)
    <DataType.UINT8: 'uint8'>
    """
    return from_numpy(dtype)


def get_numpy_dtype_by_datatype(datatype: DataType) -> np.dtype[Any]:
    """
    >>> get_numpy_dtype_by_datatype(DataType.FLOAT16)
    dtype('float16')
    """
    return to_numpy(datatype)
