"""quench compiles trained networks and runs them on any CPU, in float32, float16 or int8.

    network -> build -> Model -> Engine -> Context -> run

    import quench

    model = quench.build("frozen_inference_graph.pb", precision="int8", calibrator=quench.Calibrator(photos))
    model.save("deeplab.qn")
    context = quench.Engine(model).context()
    (labels,) = context.run(picture)

What fails raises a subclass of `quench.Error`; warnings are `quench.QuenchWarning`; remarks go to the log "quench".
"""

from ._arrays import TensorInfo
from ._results import Outputs
from ._status import (
    BusyError,
    CancelledError,
    ClosedError,
    Error,
    FileError,
    IncompatibleError,
    InternalError,
    InvalidArgumentError,
    InvalidModelError,
    LimitError,
    NotFoundError,
    OutOfMemoryError,
    QuenchWarning,
    UnavailableError,
    UnsupportedError,
)
from ._work import Future
from .bench import bench
from .build import build, passes
from .calibrator import Calibrator, Contract
from .compare import compare
from .config import Config
from .context import Context
from .cpu import cpu_info, measure_peak
from .engine import Engine
from .evaluate import Confusion, evaluate
from .frames import Frame
from .model import Model
from .network import Network
from .nodes import Node, Value, operators
from .pictures import Palette, load_image, load_mask, resize, save_png
from .queue import Notifier, Queue
from .trace import Trace
from .vision import Segmentation, Segmenter, Vision

__all__ = [
    "BusyError",
    "Calibrator",
    "CancelledError",
    "ClosedError",
    "Config",
    "Confusion",
    "Context",
    "Contract",
    "Engine",
    "Error",
    "FileError",
    "Frame",
    "Future",
    "IncompatibleError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidModelError",
    "LimitError",
    "Model",
    "Network",
    "Node",
    "NotFoundError",
    "Notifier",
    "OutOfMemoryError",
    "Outputs",
    "Palette",
    "QuenchWarning",
    "Queue",
    "Segmentation",
    "Segmenter",
    "TensorInfo",
    "Trace",
    "UnavailableError",
    "UnsupportedError",
    "Value",
    "Vision",
    "bench",
    "build",
    "compare",
    "cpu_info",
    "evaluate",
    "load_image",
    "load_mask",
    "measure_peak",
    "operators",
    "passes",
    "resize",
    "save_png",
]

# Tracebacks and pickles name things as users do.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
