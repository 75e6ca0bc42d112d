"""Values and nodes of networks, and the operators there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._arrays import Shape, TensorInfo
from ._native import ffi, lib
from ._status import ClosedError, InvalidArgumentError, text_of

if TYPE_CHECKING:
    from .network import Network


class _Part:
    """A value or node; it dies with its network."""

    def __init__(self, network: Network, pointer: Any) -> None:
        self.network = network
        self._pointer = pointer

    def _live(self, network: Network | None = None) -> Any:
        if self.network.closed:
            raise ClosedError(f"the network of this {type(self).__name__} has been closed or used up by a build")
        if network is not None and network is not self.network:
            raise InvalidArgumentError(f"this {type(self).__name__} belongs to another network")
        return self._pointer

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._pointer == other._pointer

    def __hash__(self) -> int:
        return hash(self._pointer)


class Value(_Part):
    """An input, a constant or what a node makes."""

    @property
    def name(self) -> str:
        return text_of(lib.qn_value_get_name(self._live()))

    @property
    def producer(self) -> Node | None:
        """The node that makes it; None for inputs and constants."""
        node = lib.qn_value_get_producer(self._live())
        return Node(self.network, node) if node else None

    @property
    def info(self) -> TensorInfo:
        info = ffi.new("qn_value_info *")
        lib.qn_network_describe_value(self.network._pointer, self._live(), info)
        return TensorInfo(info)

    @property
    def shape(self) -> Shape:
        return self.info.shape

    def __repr__(self) -> str:
        return "<Value, closed>" if self.network.closed else f"<Value {self.info!r}>"


class Node(_Part):
    """An operator with its inputs and outputs."""

    @property
    def name(self) -> str:
        return text_of(lib.qn_node_get_name(self._live()))

    @property
    def op(self) -> str:
        return text_of(lib.qn_node_get_op(self._live()))

    @property
    def inputs(self) -> tuple[Value | None, ...]:
        """Its inputs; None where an optional one is left out."""
        pointer = self._live()
        found = [lib.qn_node_get_input(pointer, i) for i in range(lib.qn_node_get_input_count(pointer))]
        return tuple(Value(self.network, value) if value else None for value in found)

    @property
    def outputs(self) -> tuple[Value, ...]:
        pointer = self._live()
        count = lib.qn_node_get_output_count(pointer)
        return tuple(Value(self.network, lib.qn_node_get_output(pointer, i)) for i in range(count))

    @property
    def output(self) -> Value:
        """The first output."""
        return self.outputs[0]

    def __repr__(self) -> str:
        return "<Node, closed>" if self.network.closed else f"<Node {self.name}: {self.op}>"


def operators() -> dict[str, dict[str, Any]]:
    """What `Network.add_node` takes: by name `doc`, `min_inputs`, `max_inputs` (None: any number), `outputs`,
    `attributes`.

    >>> import quench
    >>> sorted(quench.operators()["conv2d"]["attributes"])[:2]
    ['activation', 'dilation']
    """
    info, found, index = ffi.new("qn_operator_info *"), {}, 0
    while lib.qn_operator_at(index, info):
        found[text_of(info.name)] = {
            "doc": text_of(info.doc),
            "min_inputs": info.min_inputs,
            "max_inputs": None if info.max_inputs < 0 else info.max_inputs,
            "outputs": info.outputs,
            "attributes": _attributes_of(info.name),
        }
        index += 1
    return found


def _attributes_of(op: Any) -> dict[str, dict[str, Any]]:
    info, found, index = ffi.new("qn_attribute_info *"), {}, 0
    while lib.qn_operator_attribute_at(op, index, info):
        found[text_of(info.name)] = {
            "kind": text_of(info.kind),
            "default": text_of(info.fallback) if info.fallback else None,
            "doc": text_of(info.doc),
        }
        index += 1
    return found
