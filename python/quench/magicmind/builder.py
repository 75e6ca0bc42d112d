"""From a network to a compiled model."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._status import ClosedError, Error, InvalidArgumentError, QuenchWarning
from ..build import build
from ..calibrator import Calibrator as Measurement
from ..config import Config
from .config import BuilderConfig, config_of
from .model import Model
from .network import Network, network_of
from .spelling import BothSpellings


class Builder(BothSpellings):
    """Builds models, with what calibration left with the network."""

    def build_model(self, name: str, network: Network, config: BuilderConfig | None = None) -> Model | None:
        """The model; None where it cannot be built, and a warning says why, as MagicMind's log would.

        The network may be built again, with another configuration.
        """
        if not isinstance(name, str):
            raise InvalidArgumentError(f"build_model: expected a name, a network and a configuration, found {name!r}")
        network_of(network, "build_model")
        settings = config_of(config, "build_model")
        graph = network.quench
        try:
            chosen = _choose_ranges(network, settings)
            return Model._from(build(graph, chosen, calibrator=network._measured))
        except ClosedError:
            raise
        except Error as error:
            warnings.warn(f"build_model: {name!r} is not built: {error.code}: {error}", QuenchWarning, stacklevel=2)
            return None


def _choose_ranges(network: Network, settings: BuilderConfig) -> Config:
    """The configuration, with the ranges that were set on tensors of the network."""
    mode = settings.to_dict().get("precision_config", {}).get("precision_mode", "")
    if not network._ranges or not mode.startswith("qint"):
        return settings.quench
    known = _find_ranged(network, settings)
    chosen = {name: ends for name, ends in network._ranges.items() if known is None or name in known}
    if len(chosen) < len(network._ranges):
        gone = sorted(set(network._ranges) - set(chosen))
        warnings.warn(
            f"set_dynamic_range: {len(gone)} of {len(network._ranges)} tensors have no range in the simplified "
            f"network, {gone[0]!r} for one: they became parts of others, or hold no values that integers are made of",
            QuenchWarning,
            stacklevel=3,
        )
    ranges = {name: {"min": low, "max": high} for name, (low, high) in chosen.items()}
    return settings._copy({"custom_ranges": ranges})


def _find_ranged(network: Network, settings: BuilderConfig) -> set[str] | None:
    """The names of the values that have ranges; None if that cannot be found out."""
    measured = network._measured
    if measured is None:
        measured = Measurement(algorithm="linear")
        sample: dict[str, Any] = {
            info.name: np.zeros([size or most or 64 for size, most in zip(info.shape, info.max_shape)], info.dtype)
            for info in network.quench.inputs
        }
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", QuenchWarning)
                measured.calibrate(network.quench, settings.quench, [sample])
        except Error:
            return None
    return set(measured.ranges["values"])
