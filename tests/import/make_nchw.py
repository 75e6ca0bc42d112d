#!/usr/bin/env python3
"""Rewrites a frozen NHWC graph of TensorFlow so that operators on pictures compute in NCHW.

Run with a Python that has TensorFlow (development only):
    python3 tests/import/make_nchw.py models/scenes/scenes.pb scenes.nchw.pb
Operators that know data_format get it, what is between them follows where it can (activations, additions, concatenations,
paddings, means), and everything else stands between transposes, as inputs and outputs do. The result should compile to
the steps of the original, and give its bits: tests/driver/build/nchw_test.c holds that of small networks.
"""
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
from tensorflow.core.framework import graph_pb2
from tensorflow.python.framework import tensor_util

LAYOUT = {"Conv2D", "DepthwiseConv2dNative", "BiasAdd", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3",
          "MaxPool", "AvgPool"}
UNARY = {"Relu", "Relu6", "Sigmoid", "Tanh", "Elu", "LeakyRelu", "Neg"}
BINARY = {"Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum"}
FLOAT, INT32 = 1, 3
NCHW_OF_NHWC, NHWC_OF_NCHW = [0, 3, 1, 2], [0, 2, 3, 1]


def base(ref):
    return ref.split(":")[0].lstrip("^")


def in_order(graph):
    """The nodes, each after its inputs."""
    by_name = {node.name: node for node in graph.node}
    done, order = set(), []
    for root in graph.node:
        stack = [(root.name, False)]
        while stack:
            name, is_ready = stack.pop()
            if is_ready:
                order.append(by_name[name])
            elif name not in done:
                done.add(name)
                stack.append((name, True))
                stack.extend((base(ref), False) for ref in by_name[name].input)
    return order


class Rewriter:
    def __init__(self, graph):
        self.graph, self.out = graph, graph_pb2.GraphDef()
        self.by_name = {node.name: node for node in graph.node}
        self.turned = {}  # reference -> the name of its NCHW form

    def constant(self, name, value):
        proto = tensor_util.make_tensor_proto(value)
        node = self.out.node.add(name=name, op="Const")
        node.attr["dtype"].type = proto.dtype
        node.attr["value"].tensor.CopyFrom(proto)
        return name

    def transpose(self, name, ref, perm):
        self.constant(name + "/perm", np.array(perm, np.int32))
        node = self.out.node.add(name=name, op="Transpose", input=[ref, name + "/perm"])
        node.attr["T"].type, node.attr["Tperm"].type = FLOAT, INT32
        return name

    def turn(self, ref):
        if ref not in self.turned:
            self.turned[ref] = self.transpose(base(ref) + "/to_nchw", ref, NCHW_OF_NHWC)
        return self.turned[ref]

    def value(self, ref):
        node = self.by_name.get(base(ref))
        while node is not None and node.op == "Identity":
            node = self.by_name.get(base(node.input[0]))
        return tensor_util.MakeNdarray(node.attr["value"].tensor) if node is not None and node.op == "Const" else None

    def emit(self, node, inputs):
        """The node in NCHW; its own name goes to the transpose behind it."""
        new = self.out.node.add()
        new.CopyFrom(node)
        new.name = node.name + "/nchw"
        new.ClearField("input")
        new.input.extend(inputs)
        if node.op in LAYOUT:
            new.attr["data_format"].s = b"NCHW"
        for key in ("strides", "ksize", "dilations"):
            numbers = list(node.attr[key].list.i) if key in node.attr else []
            if len(numbers) == 4:
                new.attr[key].list.i[:] = [numbers[i] for i in NCHW_OF_NHWC]
        self.turned[node.name] = new.name
        self.transpose(node.name, new.name, NHWC_OF_NCHW)

    def operand(self, node, ref):
        """An operand of a binary operator, or None."""
        value = self.value(ref)
        if ref in self.turned:
            return self.turned[ref]
        if value is not None and value.ndim == 0:
            return ref
        if value is not None and value.ndim == 1:
            return self.constant(node.name + "/" + base(ref).replace("/", "_"), value.reshape(-1, 1, 1))
        return None

    def inputs_in_nchw(self, node):
        """The inputs of the node in NCHW, or None where it stays."""
        refs = [ref for ref in node.input if not ref.startswith("^")]
        is_near = any(ref in self.turned for ref in refs)
        if node.op in LAYOUT and node.attr["data_format"].s in (b"", b"NHWC"):
            return [self.turn(refs[0])] + refs[1:]
        if not is_near:
            return None
        if node.op in UNARY:
            return [self.turned[refs[0]]]
        if node.op in BINARY:
            inputs = [self.operand(node, ref) for ref in refs]
            return None if None in inputs else inputs
        last = self.value(refs[-1])
        if node.op == "ConcatV2" and all(ref in self.turned for ref in refs[:-1]) and last in (3, -1):
            return [self.turned[ref] for ref in refs[:-1]] + [self.constant(node.name + "/axis", np.int32(1))]
        if node.op == "Pad" and last is not None:
            return [self.turned[refs[0]], self.constant(node.name + "/paddings", last[NCHW_OF_NHWC])]
        if node.op == "Mean" and last is not None and node.attr["keep_dims"].b:
            axes = sorted(NCHW_OF_NHWC.index(axis % 4) for axis in np.atleast_1d(last).tolist())
            return [self.turned[refs[0]], self.constant(node.name + "/axes", np.array(axes, np.int32))]
        return None

    def run(self):
        for node in in_order(self.graph):
            inputs = self.inputs_in_nchw(node)
            if inputs:
                self.emit(node, inputs)
            else:
                self.out.node.add().CopyFrom(node)
        return self.needed()

    def needed(self):
        read = {base(ref) for node in self.graph.node for ref in node.input}
        by_name, kept = {node.name: node for node in self.out.node}, set()
        stack = [node.name for node in self.graph.node if node.name not in read]
        while stack:
            name = stack.pop()
            if name not in kept:
                kept.add(name)
                stack.extend(base(ref) for ref in by_name[name].input)
        found = graph_pb2.GraphDef(versions=self.graph.versions)
        found.node.extend(node for node in self.out.node if node.name in kept)
        return found


def main():
    graph = graph_pb2.GraphDef()
    with open(sys.argv[1], "rb") as file:
        graph.ParseFromString(file.read())
    found = Rewriter(graph).run()
    with open(sys.argv[2], "wb") as file:
        file.write(found.SerializeToString())
    print(f"{sum(node.op == 'Transpose' for node in found.node)} transposes in {len(found.node)} nodes")


if __name__ == "__main__":
    main()
