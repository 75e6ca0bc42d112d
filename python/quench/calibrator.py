"""What integer precision has to know of the values: measured on samples, or given."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._call import Call, Progress, sink
from ._handle import Handle, one_at_a_time
from ._native import ffi, lib
from ._samples import Reader, Samples, SamplesLike
from ._status import InvalidArgumentError, UnsupportedError, bytes_of, check, path_of, text_of
from .config import Config, ConfigLike, as_config
from .network import Network

if TYPE_CHECKING:
    from .vision import Vision


@one_at_a_time
class Calibrator(Handle):
    """Measures a network on samples, so that it can be built in integer precision.

    `samples` are a folder, or anything that gives one sample after the other: arrays, dicts of arrays by input, tuples
    of arrays, paths of pictures or .npy files, pictures of PIL. Arrays have the element type and layout of the compiled
    model's inputs, and shapes in their range; they may differ in size, and may lack the batch dim. Pictures are fitted
    as `quench segment` does. Memory does not grow with their number.

    `build(network, config, calibrator=...)` measures on the samples that have not been measured yet; `calibrate` does
    it at once. `algorithm`: "linear" (least and greatest), "eqnm", "moving_average", "percentile", "mse", "kl"; None:
    the one that measured best. Too few samples, duplicates and ranges that one element decides are warnings.

    Errors: InvalidArgumentError (no such algorithm; no samples; a sample that does not fit, with its number; NaN or
    infinite values), whatever the samples raise, CancelledError.
    Threads: one at a time.

    >>> import numpy as np, quench
    >>> noise = np.random.default_rng(0)
    >>> samples = [noise.integers(0, 256, (1, 48, 48, 3), np.uint8) for _ in range(4)]
    >>> calibrator = quench.Calibrator(samples)
    >>> model = quench.build("scenes.pb", precision="int8", calibrator=calibrator)
    >>> calibrator.sample_count
    4
    """

    def __init__(self, samples: SamplesLike | None = None, *, algorithm: str | None = None, threads: int = 0) -> None:
        out = ffi.new("qn_calibrator **")
        self._waiting = samples
        self._options = ffi.new("qn_calibrator_options *")
        lib.qn_calibrator_options_init(self._options)
        name = ffi.NULL if algorithm is None else ffi.new("char[]", bytes_of(algorithm))
        self._options.algorithm, self._options.threads, self._options.log = name, threads, sink
        # What the progress of a call goes to is known when there is one: `_relay` holds it meanwhile.
        self._relay = Call()
        self._options.progress, self._options.progress_self = lib.qn_python_progress, self._relay.handle
        self._options.cancel, self._options.cancel_self = lib.qn_python_cancel, self._relay.handle
        check(lib.qn_calibrator_create(self._options, out))
        self._own(out[0], lib.qn_calibrator_destroy)

    @classmethod
    def from_ranges(cls, ranges: str | os.PathLike[str] | Mapping[str, Any]) -> Calibrator:
        """Takes ranges that were measured earlier: the path of a file that `save` wrote, or what `ranges` gave.

        Errors: NotFoundError, FileError, InvalidArgumentError (names key and value).
        """
        calibrator = cls()
        if isinstance(ranges, Mapping):
            text = bytes_of(json.dumps(dict(ranges)))
            check(lib.qn_calibrator_load_ranges_text(calibrator._pointer, text, b"ranges"))
        else:
            check(lib.qn_calibrator_load_ranges_file(calibrator._pointer, path_of(ranges)))
        return calibrator

    @classmethod
    def fixed(cls, low: float, high: float) -> Calibrator:
        """One range for every value: the speed of integers without a sample, and no accuracy to speak of."""
        calibrator = cls()
        check(lib.qn_calibrator_set_fixed_range(calibrator._pointer, low, high))
        return calibrator

    def calibrate(
        self,
        network: Network,
        config: ConfigLike = None,
        samples: SamplesLike | None = None,
        *,
        progress: Progress | None = None,
        vision: Vision | None = None,
    ) -> None:
        """Runs the network on samples - those given, or those that wait -, after those of earlier calls.

        The network stays as it is. `config` is that of the build. `vision` says how pictures go in; without it the
        network is built in float32 to find out. `progress` is called with a phase and how much of it is done, 0 to 1
        (below 0: not known). Ctrl-C ends it. After an error the calibrator has what it had before.
        """
        settings = as_config(config)
        if samples is None:
            samples, self._waiting = self._waiting, None
        if samples is None:
            raise InvalidArgumentError("calibrate: no samples: give them here or to Calibrator(samples)")
        told = settings.to_dict()
        reader = Reader(network.inputs, lambda: vision or find_vision(network, told))
        given = Samples(samples, reader)
        struct = given.fill(ffi.new("qn_samples *"))
        relay = self._relay
        relay.progress = progress
        with relay, self._lend() as pointer, network._lend_for_reading() as source, settings._lend() as config_pointer:
            relay.check(lib.qn_calibrate(pointer, source, config_pointer, struct))

    @property
    def is_waiting(self) -> bool:
        """Whether there are samples that have not been measured yet."""
        return self._waiting is not None

    @property
    def sample_count(self) -> int:
        """How many samples have been measured."""
        return int(lib.qn_calibrator_sample_count(self._pointer))

    @property
    def ranges(self) -> dict[str, Any]:
        """The ranges (docs/quantisation.md), enough for a later build. InvalidArgumentError: there are none yet."""
        out = ffi.new("const char **")
        check(lib.qn_calibrator_ranges_text(self._pointer, out))
        ranges: dict[str, Any] = json.loads(text_of(out[0]))
        return ranges

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the ranges to a file. FileError."""
        check(lib.qn_calibrator_save_ranges_file(self._pointer, path_of(path)))


class Contract:
    """A bound on what integer precision may cost, which a build keeps or fails.

    Either `min_agreement`, the share of labels (0 to 1) that have to be the float network's, or `max_drop`, how much
    mean intersection over union (of 1) may be lost: then each sample is a pair of a sample and its true labels, a
    picture and its mask, or arrays and labels in the shape of the first output; 255 is not judged. `confidence` is of
    the one-sided bound. The samples are read more than once.

    >>> import quench
    >>> quench.Contract([], min_agreement=0.99, max_drop=0.01)
    Traceback (most recent call last):
    ...
    quench.InvalidArgumentError: contract: expected min_agreement or max_drop, and not both
    """

    def __init__(
        self,
        samples: SamplesLike,
        *,
        min_agreement: float | None = None,
        max_drop: float | None = None,
        confidence: float = 0.95,
        classes: int = 0,
    ) -> None:
        if (min_agreement is None) == (max_drop is None):
            raise InvalidArgumentError("contract: expected min_agreement or max_drop, and not both")
        self.samples = samples
        self.min_agreement, self.max_drop = min_agreement, max_drop
        self.confidence, self.classes = confidence, classes

    def _fill(self, reader: Reader) -> tuple[Any, Samples]:
        struct = ffi.new("qn_contract *")
        lib.qn_contract_init(struct)
        if self.max_drop is not None:
            struct.metric, struct.max_drop = lib.QN_METRIC_MIOU, self.max_drop
        else:
            struct.metric, struct.min_agreement = lib.QN_METRIC_AGREEMENT, self.min_agreement
        struct.confidence, struct.classes = self.confidence, self.classes
        samples = Samples(self.samples, reader, labels=self.max_drop is not None)
        samples.fill(struct.samples)
        return struct, samples


def find_vision(network: Network, config: Mapping[str, Any]) -> Vision:
    """How pictures go into a network: told by the same network in float32."""
    from .build import build
    from .vision import Vision

    copy = network._copy()
    if copy is None:
        raise UnsupportedError(
            "the samples are pictures, and how they go into a network that was made or changed node by node is told by "
            "a model only: give arrays, or vision=quench.Vision(model) to calibrate()"
        )
    plain = Config(config, precision="fp32")
    if "rounding_iterations" in config.get("precision_config", {}):
        plain.set("precision_config.rounding_iterations", 0)
    return Vision(build(copy, plain))
