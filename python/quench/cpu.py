"""What this machine offers, and what quench makes of it."""

from __future__ import annotations

from typing import Any

from ._native import ffi, lib
from ._status import bytes_of, check, text_of


def cpu_info(mask: str | None = None) -> dict[str, Any]:
    """This CPU: `model_name`, `mask`, `level`, `threads`, and by name `features`, `levels` and `kernels`.

    `mask` is as `cpu` of `Engine`. InvalidArgumentError: no such mask, with the nearest.

    >>> import quench
    >>> info = quench.cpu_info("generic")
    >>> info["mask"], info["threads"]["usable"] >= 1
    ('generic', True)
    """
    out = ffi.new("qn_cpu_info **")
    check(lib.qn_cpu_info_create(_text(mask), ffi.NULL, out))
    info = ffi.gc(out[0], lib.qn_cpu_info_destroy)
    threads = info.threads
    features = [info.features[i] for i in range(info.feature_count)]
    levels = [info.levels[i] for i in range(info.level_count)]
    kernels = [info.kernels[i] for i in range(info.kernel_count)]
    return {
        "model_name": text_of(info.model_name),
        "mask": text_of(info.mask),
        "level": text_of(info.level),
        "threads": {
            "affinity": threads.affinity,
            "quota": threads.quota,
            "usable": threads.usable,
            "asked": threads.asked,
        },
        "features": {
            text_of(one.name): {
                "description": text_of(one.description),
                "is_present": bool(one.is_present),
                "is_used": bool(one.is_used),
            }
            for one in features
        },
        "levels": {
            text_of(one.name): {"description": text_of(one.description), "is_present": bool(one.is_present)}
            for one in levels
        },
        "kernels": {
            text_of(one.name): {
                "family": text_of(one.family),
                "needs": text_of(one.needs),
                "is_compiled": bool(one.is_compiled),
                "is_available": bool(one.is_available),
                "is_selected": bool(one.is_selected),
            }
            for one in kernels
        },
    }


def measure_peak(mask: str | None = None, threads: int = 0) -> dict[str, float]:
    """How fast this machine multiplies and adds, in 10^9 operations a second: `float32` and `int8`. Takes a moment."""
    out = ffi.new("double *")
    check(lib.qn_cpu_measure_peak(_text(mask), threads, out))
    floats = float(out[0])
    check(lib.qn_cpu_measure_peak_int8(_text(mask), threads, out))
    return {"float32": floats, "int8": float(out[0])}


def _text(mask: str | None) -> Any:
    return ffi.NULL if mask is None else ffi.new("char[]", bytes_of(mask))
