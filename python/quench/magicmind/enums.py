"""Enumerations that scripts name."""

from __future__ import annotations

import enum


class ModelKind(enum.Enum):
    """Formats of trained models. quench reads TensorFlow's frozen graphs; the others are refused by `Parser.parse`."""

    kTensorflow = "TensorFlow"  # noqa: N815
    kPytorch = "PyTorch"  # noqa: N815
    kOnnx = "ONNX"  # noqa: N815
    kCaffe = "Caffe"  # noqa: N815


class QuantizationAlgorithm(enum.Enum):
    """How ranges come of what was measured: least and greatest value, or the range that costs least noise."""

    LINEAR_ALGORITHM = "linear"
    EQNM_ALGORITHM = "eqnm"
    SYMMETRIC_LINEAR_ALGORITHM = "linear"  # noqa: PIE796 - the old name of the same
    INVALID = ""


class HostTracerLevel(enum.Enum):
    kOff = 0  # noqa: N815
    kCritical = 1  # noqa: N815
    kInfo = 2  # noqa: N815
    kVerbose = 3  # noqa: N815


class DeviceTracerLevel(enum.Enum):
    kOff = 0  # noqa: N815
    kOn = 1  # noqa: N815


class IActivation(enum.Enum):
    RELU = "relu"
    RELU6 = "relu6"
    SIGMOID = "sigmoid"
    TANH = "tanh"
    GELU = "gelu"


class IReduce(enum.Enum):
    ADD = "reduce_sum"
    MEAN = "reduce_mean"
    MAX = "reduce_max"
    PROD = "reduce_prod"


class ILogic(enum.Enum):
    EQ = "equal"
    NE = "not_equal"
    LT = "less"
    LE = "less_equal"
    GT = "greater"
    GE = "greater_equal"
    AND = "logical_and"
    OR = "logical_or"
    NOT = "logical_not"


class IDetectionOutputAlgo(enum.Enum):
    YOLOV2 = 0
    YOLOV3 = 1
    YOLOV4 = 2
    YOLOV5 = 3
    FASTERRCNN = 4
    SSD = 5
    REFINEDET = 6


class INmsType(enum.Enum):
    DIOU_NMS = 0
