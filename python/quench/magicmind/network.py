"""Networks, their nodes and tensors, as a parser filled them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from .._status import InvalidArgumentError, UnsupportedError
from ..calibrator import Calibrator as Measurement
from ..network import Network as Graph
from ..nodes import Node, Value
from .spelling import BothSpellings
from .status import Status, attempt, refuse
from .types import DataType, Dims, Range, from_dims, from_numpy, to_dims, to_numpy

T = TypeVar("T")

# Which of MagicMind's node types an operator of quench is, where that is not its own name.
_types = {
    **dict.fromkeys(("elu", "leaky_relu", "relu", "relu6", "sigmoid", "softplus", "tanh"), "IActivationNode"),
    **dict.fromkeys(
        ("add", "div", "maximum", "minimum", "mul", "pow", "squared_difference", "sub"), "IElementwiseNode"
    ),
    **dict.fromkeys(("reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum"), "IReduceNode"),
    **dict.fromkeys(("resize_bilinear", "resize_nearest"), "IResizeNode"),
    "argmax": "IArgMaxNode",
    "avg_pool2d": "IAvgPool2DNode",
    "batch_norm": "IFusedBatchNormNode",
    "conv2d": "IConvNode",
    "matmul": "IMatMulNode",
    "max_pool2d": "IMaxPool2DNode",
    "non_max_suppression": "INMSNode",
}
# What a node may be asked to compute in, in quench's types: integers of 8 bits are unsigned there.
_precisions = {
    DataType.FLOAT16: "float16",
    DataType.FLOAT32: "float32",
    DataType.INT8: "uint8",
    DataType.QINT8: "uint8",
    DataType.INT16: "int16",
    DataType.QINT16: "int16",
}


class Network(BothSpellings):
    """A network that `Parser.parse` fills. It may be calibrated and built any number of times.

    What is set on it - shapes, types, precisions, ranges, outputs - is kept by name and done to every `quench.Network`
    that is made of it, since a build of quench uses one up.
    """

    def __init__(self) -> None:
        self._make: Callable[[], Graph] | None = None
        self._changes: list[Callable[[Graph], None]] = []
        self._graph: Graph | None = None
        self._measured: Measurement | None = None
        self._ranges: dict[str, tuple[list[float], list[float]]] = {}

    @classmethod
    def wrap(cls, make: Callable[[], Graph]) -> Network:
        """A network of quench's own: `make` makes it, and is called again for each build."""
        network = cls()
        network._fill(make)
        return network

    @property
    def quench(self) -> Graph:
        """The network of quench, with all that was set. It is used up when this one is built."""
        if self._make is None:
            raise InvalidArgumentError(
                "the network is empty: Parser(ModelKind.kTensorflow).parse(network, file) fills it"
            )
        if self._graph is None or self._graph.closed:
            graph = self._make()
            for change in self._changes:
                change(graph)
            self._graph = graph
        return self._graph

    def _fill(self, make: Callable[[], Graph]) -> None:
        if self._make is not None:
            raise InvalidArgumentError("the network is filled already: make another one for another model")
        self._graph = make()
        self._make = make

    def _change(self, change: Callable[[Graph], None]) -> Status:
        """Does something to the network now, and to every copy made later."""
        graph = self.quench

        def work() -> None:
            change(graph)
            self._changes.append(change)

        return attempt(work)

    # ---- Inputs and outputs ----

    def get_input_count(self) -> int:
        return len(self.quench.inputs)

    def get_output_count(self) -> int:
        return len(self.quench.outputs)

    def get_input(self, index: int) -> ITensor:
        return ITensor(self, pick(self.quench.inputs, index, "input").name)

    def get_output(self, index: int) -> ITensor:
        return ITensor(self, pick(self.quench.outputs, index, "output").name)

    def mark_output(self, tensor: ITensor) -> Status:
        name = name_of(tensor, self)
        return self._change(lambda graph: graph.mark_output(graph.find_value(name)))

    def unmark_output(self, tensor: ITensor) -> Status:
        name = name_of(tensor, self)
        return self._change(lambda graph: graph.unmark_output(graph.find_value(name)))

    # ---- Nodes ----

    def get_all_nodes_in_network(self) -> list[INode]:
        """The nodes in order of execution."""
        return [INode(self, node.name) for node in self.quench.nodes()]

    def find_node_by_name(self, name: str) -> INode | None:
        """The node of that name, which is the framework's; None if there is none."""
        found = (node.name for node in self.quench.nodes())
        return INode(self, name) if name in found else None

    def find_nodes_by_node_type(self, kind: str) -> list[INode]:
        """The nodes of a type, "IConvNode"."""
        return [INode(self, node.name) for node in self.quench.nodes() if _type_of(node) == kind]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if re.fullmatch(r"add_input|AddInput|add_i_\w+_node|AddI\w+Node", name):
                raise UnsupportedError(
                    f"{name}: networks made node by node are quench's own: quench.Network.create(), add_input, "
                    "add_node; Network.wrap(make) takes such a network in here"
                )
            return super().__getattr__(name)

    def __repr__(self) -> str:
        return "<Network, empty>" if self._make is None else repr(self.quench)


class INode(BothSpellings):
    """A node, known by its name."""

    def __init__(self, network: Network, name: str) -> None:
        self._network = network
        self._name = name

    @property
    def _node(self) -> Node:
        return self._network.quench.find_node(self._name)

    def get_node_name(self) -> str:
        return self._name

    def get_node_type(self) -> str:
        """ "IConvNode"; what MagicMind has no name for is called after quench's operator."""
        return _type_of(self._node)

    def get_input_count(self) -> int:
        return len(self._node.inputs)

    def get_output_count(self) -> int:
        return len(self._node.outputs)

    def get_input(self, index: int) -> ITensor | None:
        """An input; None where an optional one is left out."""
        value = pick(self._node.inputs, index, "input")
        return None if value is None else ITensor(self._network, value.name)

    def get_output(self, index: int) -> ITensor:
        return ITensor(self._network, pick(self._node.outputs, index, "output").name)

    def get_precursors(self) -> list[INode]:
        """The nodes that make its inputs."""
        makers = (value.producer for value in self._node.inputs if value is not None)
        return [INode(self._network, maker.name) for maker in makers if maker is not None]

    def set_precision(self, index: int, dtype: DataType) -> Status:
        """The type that the node computes in, whatever the precision of the network.

        quench has one for a node, operands and results alike: that of the input set last. FLOAT16, FLOAT32, and for
        integers (Q)INT8 and (Q)INT16, which ask where they may be had.
        """
        pick(self._node.inputs, index, "input")
        return self._wish(lambda graph: graph.find_node(self._name), dtype, "set_precision")

    def set_output_type(self, index: int, dtype: DataType) -> Status:
        """The type in which an output is stored: in quench the same wish as `set_precision`.

        The types of the network's own outputs are the network's.
        """
        name = pick(self._node.outputs, index, "output").name
        return self._wish(lambda graph: graph.find_value(name), dtype, "set_output_type")

    def _wish(self, find: Callable[[Graph], Any], dtype: DataType, what: str) -> Status:
        to_numpy(dtype)
        if dtype not in _precisions:
            known = ", ".join(kind.name for kind in _precisions)
            return refuse(what, f"nodes compute in {known}, not in {dtype.name}")
        return self._network._change(lambda graph: graph.set_precision(find(graph), _precisions[dtype]))

    def set_precision_with_normal_param(self, index: int, dtype: DataType, *parameters: Any) -> Status:
        return refuse(
            "set_precision_with_normal_param",
            "scales of quench are made of ranges: set_dynamic_range of the tensor, and set_precision of the node",
        )

    set_precision_with_normal_param_per_axis = set_precision_with_normal_param

    def __repr__(self) -> str:
        return f"<INode {self._name}: {self.get_node_type()}>"


class ITensor(BothSpellings):
    """A tensor of a network, known by its name."""

    def __init__(self, network: Network, name: str) -> None:
        self._network = network
        self._name = name

    @property
    def _value(self) -> Value:
        return self._network.quench.find_value(self._name)

    def get_tensor_name(self) -> str:
        return self._name

    def get_dimension(self) -> Dims:
        return to_dims(self._value.shape)

    def set_dimension(self, dims: Dims) -> Status:
        """Gives an input its dims, -1 where a size is open. A build may open them (`graph_shape_mutable`)."""
        shape = from_dims(dims, "set_dimension")
        return self._network._change(lambda graph: graph.set_input_shape(self._name, shape))

    def get_data_type(self) -> DataType:
        return from_numpy(self._value.info.dtype)

    def set_data_type(self, dtype: DataType) -> Status:
        """Gives an input another type."""
        found = to_numpy(dtype)
        return self._network._change(lambda graph: graph.set_input_dtype(self._name, found))

    def get_producer(self) -> INode | None:
        """The node that makes it; None for inputs and constants."""
        maker = self._value.producer
        return None if maker is None else INode(self._network, maker.name)

    def get_consumers(self) -> list[INode]:
        """The nodes that read it."""
        return [
            INode(self._network, node.name)
            for node in self._network.quench.nodes()
            if any(value is not None and value.name == self._name for value in node.inputs)
        ]

    def set_dynamic_range(self, range: Range, by_user: bool = True) -> Status:
        """The least and the greatest value, instead of what calibration finds (`custom_ranges`)."""
        return self.set_dynamic_range_per_axis([range], by_user)

    def set_dynamic_range_per_axis(self, ranges: Sequence[Range], by_user: bool = True) -> Status:
        """The same for each channel."""
        try:
            low, high = [float(low) for low, _ in ranges], [float(high) for _, high in ranges]
        except (TypeError, ValueError):
            raise InvalidArgumentError(f"set_dynamic_range: expected Range(min, max), found {ranges!r}") from None

        def keep() -> None:
            if not low or any(not a <= b for a, b in zip(low, high)):
                raise InvalidArgumentError(
                    f"set_dynamic_range of {self._name!r}: expected min <= max, found {list(ranges)}"
                )
            self._network._ranges[self._name] = (low, high)

        return attempt(keep)

    def __repr__(self) -> str:
        return f"<ITensor {self._name}: {self.get_data_type().name} {self.get_dimension()}>"


def pick(items: Sequence[T], index: int, what: str) -> T:
    """An item by its number."""
    if not isinstance(index, int) or not 0 <= index < len(items):
        raise InvalidArgumentError(f"{what} {index!r}: there are {len(items)}, numbered from 0")
    return items[index]


def name_of(tensor: ITensor, network: Network) -> str:
    if not isinstance(tensor, ITensor):
        raise InvalidArgumentError(f"expected an ITensor, found {type(tensor).__name__}: node.get_output(0) gives one")
    if tensor._network is not network:
        raise InvalidArgumentError(f"the tensor {tensor._name!r} belongs to another network")
    return tensor._name


def network_of(network: Network, what: str) -> Network:
    if not isinstance(network, Network):
        raise InvalidArgumentError(f"{what}: expected a Network, found {type(network).__name__}")
    return network


def _type_of(node: Node) -> str:
    """MagicMind's name of a node's type."""
    if node.op == "conv2d" and _is_depthwise(node):
        return "IConvDepthwiseNode"
    return _types.get(node.op) or "I" + "".join(part.capitalize() for part in node.op.split("_")) + "Node"


def _is_depthwise(node: Node) -> bool:
    """One filter per channel: filters that read one channel each of more."""
    data, weights = node.inputs[:2]
    return data is not None and weights is not None and data.shape[3] != 1 and weights.shape[2] == 1
