"""Raw frames, as cameras and video decoders give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._arrays import ArrayLike, as_array
from ._native import ffi, lib
from ._status import InvalidArgumentError, check
from .pictures import Pixels, new_image, take_image

_formats = {
    name.lower(): getattr(lib, f"QN_PIXEL_{name}")
    for name in ("RGB", "BGR", "RGBA", "BGRA", "GRAY", "NV12", "NV21", "I420", "YUYV")
}
_matrices = {"bt601": lib.QN_COLOR_BT601, "bt709": lib.QN_COLOR_BT709}
_ranges = {"limited": lib.QN_COLOR_LIMITED, "full": lib.QN_COLOR_FULL}


class Frame:
    """A frame in memory of others: read in place, and not changed.

    `format` is rgb, bgr, rgba, bgra, gray, nv12, nv21, i420 or yuyv (include/quench/image.h says how each lies).
    `planes` are one array of uint8 for each plane, [rows, bytes], or rows of pixels [rows, columns, bytes]; rows may be
    padded, as views of larger arrays are. `matrix` ("bt601", "bt709") and `range` ("limited", "full") are of luma and
    chroma.

    >>> import numpy as np, quench
    >>> y, uv = np.full((4, 6), 63, np.uint8), np.tile(np.array([102, 240], np.uint8), (2, 3))
    >>> quench.Frame("nv12", 6, 4, [y, uv], matrix="bt709").to_pixels()[0, 0].tolist()
    [255, 1, 0]
    """

    def __init__(
        self,
        format: str,
        width: int,
        height: int,
        planes: Sequence[ArrayLike],
        *,
        matrix: str = "bt601",
        range: str = "limited",
    ) -> None:
        frame = ffi.new("qn_frame *")
        frame.format = _choose("format", format, _formats)
        frame.matrix, frame.range = _choose("matrix", matrix, _matrices), _choose("range", range, _ranges)
        try:
            frame.width, frame.height = width, height
        except (TypeError, OverflowError):
            raise InvalidArgumentError(f"frame: expected a size in pixels, found {width} x {height}") from None
        if not 1 <= len(planes) <= 3:
            raise InvalidArgumentError(f"frame: expected 1 to 3 planes, found {len(planes)}")
        self.width, self.height = width, height
        self._kept: list[Any] = []
        self._frame = frame
        needed = _measure(format, width, height)
        if len(planes) != len(needed):
            raise InvalidArgumentError(f"frame: {format} has {len(needed)} planes, found {len(planes)}")
        for index, (plane, (rows, row_bytes)) in enumerate(zip(planes, needed)):
            self._take_plane(index, as_array(plane, f"plane {index}"), rows, row_bytes)

    def _take_plane(self, index: int, array: Any, rows: int, row_bytes: int) -> None:
        what = f"plane {index}"
        if array.dtype != np.uint8 or array.ndim not in (2, 3):
            raise InvalidArgumentError(f"{what}: expected rows of uint8, found {array.dtype} of {list(array.shape)}")
        packed = array.strides[-1] == 1 and (array.ndim == 2 or array.strides[1] == array.shape[2])
        if not packed or array.strides[0] < 0:
            raise InvalidArgumentError(
                f"{what}: the bytes of a row do not lie one after another: give a copy, x.copy()"
            )
        found = int(np.prod(array.shape[1:]))
        if array.shape[0] < rows or found < row_bytes:
            raise InvalidArgumentError(
                f"{what}: expected {rows} rows of {row_bytes} bytes, found {array.shape[0]} of {found}"
            )
        self._kept.append(array)
        self._frame.planes[index] = ffi.cast("uint8_t *", array.__array_interface__["data"][0])
        self._frame.stride_bytes[index] = array.strides[0]

    def to_pixels(self, channels: int = 3) -> Pixels:
        """A picture of the frame: [H, W, 3] in R, G, B, or with 1 channel gray, [H, W]."""
        image = new_image()
        check(lib.qn_image_from_frame(self._frame, channels, ffi.NULL, image))
        return take_image(image)

    def __repr__(self) -> str:
        return f"<Frame {self.width} x {self.height}>"


def _choose(what: str, name: str, known: dict[str, int]) -> int:
    if name not in known:
        raise InvalidArgumentError(f"{what}: expected one of {', '.join(known)}, found {name!r}")
    return known[name]


def _measure(format: str, width: int, height: int) -> list[tuple[int, int]]:
    """Rows and bytes of a row of each plane."""
    half, rows = (width + 1) // 2, (height + 1) // 2
    packed = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4, "gray": 1}
    if format in packed:
        return [(height, packed[format] * width)]
    if format == "yuyv":
        return [(height, 4 * half)]
    if format == "i420":
        return [(height, width), (rows, half), (rows, half)]
    return [(height, width), (rows, 2 * half)]
