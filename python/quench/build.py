"""From a network to a compiled model."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Union

from ._call import Call, Progress, sink
from ._native import ffi, lib
from ._progress import choose_progress
from ._samples import Reader, Samples, SamplesLike
from ._status import InvalidArgumentError, bytes_of, text_of
from .calibrator import Calibrator, Contract, find_vision
from .config import ConfigLike, as_config
from .model import Model
from .network import Network

NetworkLike = Union[Network, str, "os.PathLike[str]"]


def build(
    network: NetworkLike,
    config: ConfigLike = None,
    *,
    precision: str | None = None,
    calibrator: Calibrator | None = None,
    contract: Contract | None = None,
    report: bool | SamplesLike = False,
    progress: bool | Progress = False,
    after_pass: Callable[[str, str], object] | None = None,
    print_after: str = "all",
) -> Model:
    """Optimises, plans and compiles.

    `network` is used up, whether the build succeeds or not; a path is imported first. `config` and `precision` are
    those of `Config`; integer precision wants a `calibrator`, whose samples are measured if they have not been.
    `contract` bounds what integers may cost. With `report` the model has a `report` (docs/calibration-report.md);
    samples given there are run through both networks. `progress` is True for a bar, or a function of a phase and a
    fraction. `after_pass` is called with the name of a pass and the graph as text, after the pass
    `print_after` ("all": each).
    Ctrl-C ends a build within moments and leaves nothing behind.

    Errors: InvalidArgumentError (the configuration does not fit the network, ranges are missing), InvalidModelError (no
    shape in range works), UnsupportedError, LimitError, CancelledError; and those of `Network` and `Calibrator`.

    >>> import quench
    >>> model = quench.build("scenes.pb", precision="fp16")
    >>> model.const_bytes < quench.build("scenes.pb").const_bytes
    True
    """
    net = network if isinstance(network, Network) else Network(network)
    settings = as_config(config, precision)
    tell = choose_progress(progress)
    if calibrator is not None and calibrator.is_waiting:
        calibrator.calibrate(net, settings, progress=tell)
    given = settings.to_dict()
    reader = Reader(net.inputs, lambda: find_vision(net, given))
    with Call(progress=tell) as call:
        options, kept = _make_options(call, reader, calibrator, contract, report)
        if after_pass is not None:
            text = ffi.new("char[]", bytes_of(print_after))
            kept.append(text)
            options.print_after = text
            options.after_pass, options.after_pass_self = lib.qn_python_after_pass, call.handle
            call.after_pass = after_pass
        out, pointer = ffi.new("qn_model **"), net._take()
        with settings._lend() as settings_pointer:
            status = lib.qn_build(pointer, settings_pointer, options, out)
        model = Model._from_pointer(out[0]) if not status else None
        call.check(status)
        del kept, pointer
    assert model is not None
    model.report = json.loads(call.reports[0]) if call.reports else None
    return model


def _make_options(
    call: Call,
    reader: Reader,
    calibrator: Calibrator | None,
    contract: Contract | None,
    report: bool | SamplesLike,
) -> tuple[Any, list[Any]]:
    """`qn_build_options` and what has to live as long."""
    options = ffi.new("qn_build_options *")
    kept: list[Any] = []
    lib.qn_build_options_init(options)
    options.log = sink
    options.cancel, options.cancel_self = lib.qn_python_cancel, call.handle
    if call.progress is not None:
        options.progress, options.progress_self = lib.qn_python_progress, call.handle
    if calibrator is not None:
        if not isinstance(calibrator, Calibrator):
            raise InvalidArgumentError(f"calibrator: expected a Calibrator, found {type(calibrator).__name__}")
        options.calibrator = calibrator._pointer
        kept.append(calibrator)
    if contract is not None:
        struct, samples = contract._fill(reader)
        options.contract = struct
        kept += [struct, samples]
    if report is not False:
        options.report, options.report_self = lib.qn_python_report, call.handle
    if not isinstance(report, bool):
        samples = Samples(report, reader)
        struct = samples.fill(ffi.new("qn_samples *"))
        options.report_samples = struct
        kept += [struct, samples]
    return options, kept


def passes() -> dict[str, str]:
    """The optimisation passes in their order, with what they do.

    >>> import quench
    >>> "fold_constants" in quench.passes()
    True
    """
    found: dict[str, str] = {}
    index = 0
    while lib.qn_pass_name(index):
        found[text_of(lib.qn_pass_name(index))] = text_of(lib.qn_pass_description(index))
        index += 1
    return found
