"""Work on another machine, which quench has not."""

from __future__ import annotations

from typing import NoReturn

from .._status import UnsupportedError

reason = "quench calibrates and runs on this machine's CPU and has no server: leave the address out"


class RemoteConfig:
    """Where a card would be found. `Calibrator.set_remote` refuses it."""

    def __init__(self) -> None:
        self.address = ""
        self.device_id = 0


class IRpcSession:
    """A connection to a card's host."""

    @staticmethod
    def rpc_connect(address: str) -> NoReturn:
        raise UnsupportedError(f"rpc_connect({address!r}): {reason}")
