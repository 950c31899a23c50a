"""Program -> ONNX: opset 21, ai.onnx.ml 5, double precision throughout, one input `x`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pierhead.compile.domain.program import Program
from pierhead.compile.emit.ops import emission_of

OPSET = 21
ML_OPSET = 5
# Runtimes since 1.21 read it, and know TreeEnsemble in double.
IR_VERSION = 10

INPUT = "x"


def emit(program: Program) -> onnx.ModelProto:
    """The network with the output `answer` `[rows, width]` and, if rows can be declined, `declined` `[rows, 1]`.

    Raises NotCompilable if an op is not known.
    """
    tensors = _Tensors(program)
    for node in _needed(program):
        emission_of(node.op)(tensors, node)
    outputs = [tensors.output(program.answer.value, "answer")]
    if program.declines is not None:
        outputs.append(tensors.output(program.declines, "declined"))
    graph = helper.make_graph(
        tensors.written,
        "pierhead",
        [helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, [None, len(program.columns)])],
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, None]) for name in outputs],
        tensors.initializers,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="pierhead")


def _needed(program: Program) -> list[Any]:
    """The nodes on which the outputs depend, in order."""
    wanted = {program.answer.value, program.declines}
    kept = []
    for node in reversed(program.nodes):
        if node.output in wanted:
            kept.append(node)
            wanted.update(node.inputs)
    return kept[::-1]


class _Tensors:
    """The ONNX tensors of a program's values, made when they are asked for. See `emit.ops.Network`."""

    def __init__(self, program: Program) -> None:
        self.written: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._constants = program.constants
        self._doubles: dict[str, str] = {INPUT: INPUT}
        self._truths: dict[str, str] = {}
        self._indices: dict[str, str] = {}
        self._stored: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def double(self, value: str) -> str:
        if value in self._constants and value not in self._doubles:
            self._doubles[value] = self.initializer(self._constants[value].astype(np.float64))
        if value not in self._doubles:
            made = self._truths.get(value) or self._indices[value]
            self._doubles[value] = self.node("Cast", [made], to=np.float64)
        return self._doubles[value]

    def truth(self, value: str) -> str:
        if value not in self._truths:
            self._truths[value] = self.node("Cast", [self.double(value)], to=np.bool_)
        return self._truths[value]

    def index(self, value: str) -> str:
        if value not in self._indices:
            self._indices[value] = self.node("Cast", [self.double(value)], to=np.int64)
        return self._indices[value]

    def set_double(self, value: str, tensor: str) -> None:
        self._doubles[value] = tensor

    def set_truth(self, value: str, tensor: str) -> None:
        self._truths[value] = tensor

    def set_index(self, value: str, tensor: str) -> None:
        self._indices[value] = tensor

    def constant(self, name: str) -> NDArray[Any]:
        return self._constants[name]

    def initializer(self, array: NDArray[Any]) -> str:
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._stored:
            self._stored[key] = f"w{len(self._stored)}"
            self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), self._stored[key]))
        return self._stored[key]

    def node(self, op_type: str, inputs: Sequence[str], *, domain: str = "", **attributes: Any) -> str:
        return self.nodes(op_type, inputs, 1, domain=domain, **attributes)[0]

    def nodes(
        self, op_type: str, inputs: Sequence[str], count: int, *, domain: str = "", **attributes: Any
    ) -> tuple[str, ...]:
        if op_type == "Cast":
            attributes["to"] = helper.np_dtype_to_tensor_dtype(np.dtype(attributes["to"]))
        outputs = [f"n{len(self.written)}"] if count == 1 else [f"n{len(self.written)}_{i}" for i in range(count)]
        self.written.append(helper.make_node(op_type, list(inputs), outputs, domain=domain, **attributes))
        return tuple(outputs)

    def output(self, value: str, name: str) -> str:
        """Give the tensor of this value the name of an output."""
        tensor = self.double(value)
        if any(tensor in node.output for node in self.written) and tensor not in ("answer", "declined"):
            _rename(self.written, tensor, name)
            self._doubles[value] = name
        else:
            self.written.append(helper.make_node("Identity", [tensor], [name]))
        return name


def _rename(nodes: list[onnx.NodeProto], old: str, new: str) -> None:
    for node in nodes:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new
