"""What integer precision has to know of the values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._arrays import Array
from .._status import InvalidArgumentError
from ..calibrator import Calibrator as Measurement
from .config import BuilderConfig, config_of
from .enums import QuantizationAlgorithm
from .network import Network, network_of
from .remote import RemoteConfig, reason
from .spelling import BothSpellings
from .status import Code, Status, attempt, refuse
from .types import DataType, Dims, from_dims, to_numpy


class CalibDataInterface:
    """The samples of one input. Derive from it: `next` loads a sample and answers OK, or OUT_OF_RANGE at the end.

    Samples are those of the parsed network: of its type, and before `insert_bn_before_firstnode` and
    `convert_input_layout` are done, as MagicMind wants them.
    """

    def get_shape(self) -> Dims:
        """The dims of the sample that `next` loaded, batch included."""
        raise NotImplementedError(f"{type(self).__name__} lacks get_shape(self): it returns mm.Dims")

    def get_data_type(self) -> DataType:
        raise NotImplementedError(f"{type(self).__name__} lacks get_data_type(self): it returns one of mm.DataType")

    def get_sample(self) -> Array:
        """The sample, an array in C order."""
        raise NotImplementedError(f"{type(self).__name__} lacks get_sample(self): it returns a numpy array")

    def next(self) -> Status:
        raise NotImplementedError(
            f"{type(self).__name__} lacks next(self): it loads a sample and returns mm.Status.OK()"
        )

    def reset(self) -> Status:
        """Starts again with the first sample."""
        raise NotImplementedError(f"{type(self).__name__} lacks reset(self): it returns mm.Status.OK()")


class Calibrator(BothSpellings):
    """Measures a network on samples: one object of samples for each input, or a single one.

    `calibrate` leaves what it found with the network, for the builds that follow. Which algorithm is best is tried
    unless `set_quantization_algorithm` says one.
    """

    def __init__(self, data: Sequence[CalibDataInterface] | CalibDataInterface) -> None:
        self._data: list[CalibDataInterface] = _listed(data)
        for item in self._data:
            missing = [name for name in _methods if not callable(getattr(item, name, None))]
            if missing:
                raise InvalidArgumentError(
                    f"Calibrator: {type(item).__name__} has no {missing[0]}(): derive it from mm.CalibDataInterface"
                )
        self._algorithm: str | None = None

    def set_quantization_algorithm(self, algorithm: QuantizationAlgorithm) -> Status:
        if not isinstance(algorithm, QuantizationAlgorithm):
            raise InvalidArgumentError(f"expected one of QuantizationAlgorithm, found {algorithm!r}")
        if algorithm is QuantizationAlgorithm.INVALID:
            return Status(Code.INVALID_ARGUMENT, "QuantizationAlgorithm.INVALID is none: give LINEAR_ALGORITHM")
        self._algorithm = algorithm.value
        return Status()

    def set_remote(self, remote: RemoteConfig) -> Status:
        """Refused: the network is measured on this machine."""
        return refuse(f"set_remote({remote.address!r})", reason)

    def calibrate(self, network: Network, config: BuilderConfig | None = None) -> Status:
        """Runs the network on all samples. `config` is that of the build. What the samples raise is raised."""
        network_of(network, "calibrate")
        settings = config_of(config, "calibrate")
        names = [info.name for info in network.quench.inputs]
        if len(self._data) != len(names):
            raise InvalidArgumentError(
                f"Calibrator: expected samples for {len(names)} inputs ({', '.join(names)}), found {len(self._data)}"
            )
        convert = [Conversion(settings.to_dict(), index) for index in range(len(self._data))]

        def rows() -> Iterator[dict[str, Array]]:
            for row in self._rows():
                yield {name: to(value) for name, to, value in zip(names, convert, row)}

        def work() -> None:
            measured = Measurement(algorithm=self._algorithm)
            # With a configuration of its own, so that samples may read and even change this one meanwhile.
            measured.calibrate(network.quench, settings._copy(), rows)
            network._measured = measured

        return attempt(work)

    def _rows(self) -> Iterator[list[Array]]:
        """The samples of all inputs, which go on together."""
        for data in self._data:
            _need_ok(_status_of(data.reset(), data, "reset"), data, "reset")
        number = 0
        while True:
            statuses = [_status_of(data.next(), data, "next") for data in self._data]
            for status, data in zip(statuses, self._data):
                if status.code() is not Code.OUT_OF_RANGE:
                    _need_ok(status, data, "next")
            if not all(status.ok() for status in statuses):
                return
            number += 1
            yield [_take(data, number) for data in self._data]


_methods = ("get_shape", "get_data_type", "get_sample", "next", "reset")


def _listed(data: Any) -> list[Any]:
    return list(data) if isinstance(data, (list, tuple)) else [data]


def _status_of(answer: Any, data: CalibDataInterface, method: str) -> Status:
    if not isinstance(answer, Status):
        raise InvalidArgumentError(
            f"{type(data).__name__}.{method}() answered {answer!r}: expected mm.Status.OK()"
            + (', or mm.Status(mm.Code.OUT_OF_RANGE, "...") at the end' if method == "next" else "")
        )
    return answer


def _need_ok(status: Status, data: CalibDataInterface, method: str) -> None:
    if not status.ok():
        raise InvalidArgumentError(f"{type(data).__name__}.{method}() answered {status}")


def _take(data: CalibDataInterface, number: int) -> Array:
    """A sample, which has to be what its object says it is."""
    array, dtype = np.asarray(data.get_sample()), to_numpy(data.get_data_type())
    shape = tuple(from_dims(data.get_shape(), f"{type(data).__name__}.get_shape()"))
    if array.dtype != dtype or array.shape != shape:
        raise InvalidArgumentError(
            f"{type(data).__name__}: sample {number} is {array.dtype} of {list(array.shape)}, "
            f"get_data_type and get_shape say {dtype} of {list(shape)}"
        )
    copied: Array = array.copy()  # `next` may load the following sample to the same memory
    return copied


class Conversion:
    """From a sample of the parsed network to one of the network as it will be built, which is what quench measures."""

    def __init__(self, config: Mapping[str, Any], index: int) -> None:
        self._normalisation = config.get("insert_bn_before_firstnode", {}).get(str(index))
        self._layouts = config.get("convert_input_layout", {}).get(str(index))
        self._narrows = bool(config.get("opt_config", {}).get("type64to32_conversion", False))

    def __call__(self, sample: Array) -> Array:
        if self._normalisation is not None:
            sample = self._restore(sample)
        if self._layouts is not None and sample.ndim == len(self._layouts["src"]):
            sample = sample.transpose([self._layouts["src"].index(axis) for axis in self._layouts["dst"]])
        if self._narrows and sample.dtype.itemsize == 8:
            sample = sample.astype({"i": np.int32, "u": np.uint32}.get(sample.dtype.kind, np.float32))
        return np.ascontiguousarray(sample)

    def _restore(self, sample: Array) -> Array:
        """The bytes that (x - mean) / sqrt(var) makes the sample of."""
        layout = self._layouts["src"] if self._layouts else "NHWC"
        shape = [1] * sample.ndim
        axis = layout.index("C") if sample.ndim == len(layout) else sample.ndim - 1
        shape[axis] = -1
        mean, var = (np.array(self._normalisation[key], np.float64).reshape(shape) for key in ("mean", "var"))
        pixels: Array = np.clip(np.rint(sample * np.sqrt(var) + mean), 0, 255).astype(np.uint8)
        return pixels
