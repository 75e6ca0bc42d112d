"""MagicMind's names on quench: scripts for that engine run on a CPU with their import lines changed.

    import quench.magicmind as mm                     # was: import magicmind.python.runtime as mm
    from quench.magicmind.parser import Parser        # was: magicmind.python.runtime.parser
    from quench.magicmind.common.types import get_numpy_dtype_by_datatype   # was: magicmind.python.common.types

What fails answers a `Status`, as there; wrong usage raises an exception of quench. What only the card has is accepted
with a warning, or refused with the reason. Objects have what quench calls them in `quench` (`model.quench`), so that a
script can go over to quench's own names bit by bit; docs/coming-from-magicmind.md goes through all of them.
"""

import difflib
from typing import TYPE_CHECKING, Any

from . import enums, remote
from .builder import Builder
from .calibrator import CalibDataInterface, Calibrator
from .config import BuilderConfig
from .device import Device, Queue, System
from .enums import (
    DeviceTracerLevel,
    HostTracerLevel,
    IActivation,
    IDetectionOutputAlgo,
    ILogic,
    INmsType,
    IReduce,
    ModelKind,
    QuantizationAlgorithm,
)
from .model import Model
from .network import INode, ITensor, Network
from .parser import Parser
from .profiler import Profiler, ProfilerOptions
from .remote import RemoteConfig
from .runtime import IContext, IEngine, IRTTensor
from .status import Code, Status
from .types import DataType, Dims, Layout, Range, TensorLocation

__all__ = [
    "Builder",
    "BuilderConfig",
    "CalibDataInterface",
    "Calibrator",
    "Code",
    "DataType",
    "Device",
    "DeviceTracerLevel",
    "Dims",
    "HostTracerLevel",
    "IActivation",
    "IContext",
    "IDetectionOutputAlgo",
    "IEngine",
    "ILogic",
    "INmsType",
    "INode",
    "IRTTensor",
    "IReduce",
    "ITensor",
    "Layout",
    "Model",
    "ModelKind",
    "Network",
    "Parser",
    "Profiler",
    "ProfilerOptions",
    "QuantizationAlgorithm",
    "Queue",
    "Range",
    "RemoteConfig",
    "Status",
    "System",
    "TensorLocation",
    "enums",
    "remote",
]

# What MagicMind has under these names is had otherwise.
_elsewhere = {
    "ContextDumpInfo": "values are had by context.quench.set_observer(function), or as files by `quench run --dump`",
    "IRefitter": "weights are replaced by engine.quench.refit({name: array})",
    "IPluginKernel": "operators are part of quench: docs/how-to-add-an-operator.md",
    "IAllocator": "memory is the library's in Python; C has qn_allocator and qn_context_create_with()",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        reason = _elsewhere.get(name.replace("Create", ""))
        if reason is None:
            nearest = difflib.get_close_matches(name, __all__, 1)
            reason = f"did you mean {nearest[0]}?" if nearest else "docs/coming-from-magicmind.md says what there is"
        raise AttributeError(f"quench.magicmind has no {name!r}: {reason}")
