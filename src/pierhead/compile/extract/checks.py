"""Fewer checks for rows that get no answer: one that another check implies is left out.

A pipeline checks its input at every step. A NaN or an infinity in a cell mostly stays one on its way through scalers
and weights, so that one look at the scores in the end tells about all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import Node
from pierhead.compile.extract.blocks import Value

Flags = NDArray[np.bool_]

# What is not finite stays so: of these ops' single input.
_CARRIERS = {"abs", "log", "log1p", "neg", "round32", "sqrt", "square"}


@dataclass(frozen=True, slots=True)
class Checks:
    """Values in which a row may hold nothing but numbers (`finite`), or nothing infinite (`not_infinite`)."""

    finite: list[Value] = field(default_factory=list)
    not_infinite: list[Value] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Body:
    """The nodes of a program so far, its constants, and the width of every value."""

    nodes: Sequence[Node]
    constants: Mapping[str, NDArray[Any]]
    widths: Mapping[str, int]


def fewest(checks: Checks, body: Body, answer: str) -> Checks:
    """Checks that decline the same rows, and rows whose scores pass the range of a double."""
    needed = _needed(body.nodes, answer)
    probes = list(dict.fromkeys(_narrowed(value, body, needed) for value in checks.finite))
    order = {node.output: place for place, node in enumerate(body.nodes)}
    # The latest first: what comes later may tell about what came before.
    probes.sort(key=lambda value: order.get(value.name, -1), reverse=True)
    kept: list[Value] = []
    coverages: list[_Coverage] = []
    for probe in probes:
        if not any(coverage.tells_anything(probe) for coverage in coverages):
            kept.append(probe)
            coverages.append(_Coverage(probe, body))
    infinite = [value for value in checks.not_infinite if not any(each.tells_infinite(value) for each in coverages)]
    return Checks(kept, list(dict.fromkeys(infinite)))


def _needed(nodes: Sequence[Node], answer: str) -> set[str]:
    """The values on which the answer depends."""
    wanted = {answer}
    for node in reversed(nodes):
        if node.output in wanted:
            wanted.update(node.inputs)
    return wanted


def _narrowed(value: Value, body: Body, needed: set[str]) -> Value:
    """Its weighted sums, if the answer needs them: what is not finite in the value is not finite in any of them."""
    for node in body.nodes:
        width = body.widths[node.output]
        if node.op == "linear" and node.inputs[0] == value.name and node.output in needed and width < value.width:
            return Value(node.output, width)
    return value


class _Coverage:
    """About which cells a check of one value tells: those that make it NaN or infinite, going back from it."""

    def __init__(self, probe: Value, body: Body) -> None:
        self._body = body
        self._gaps = {node.output: node.inputs[0] for node in body.nodes if node.op == "is_nan"}
        # In which columns of a value an infinity shows in the probe, and in which a NaN does.
        self._infinite: dict[str, Flags] = {}
        self._nan: dict[str, Flags] = {}
        self._note(probe.name, np.ones(probe.width, dtype=np.bool_), np.ones(probe.width, dtype=np.bool_))
        for node in reversed(body.nodes):
            if node.output in self._infinite:
                self._step(node, self._infinite[node.output], self._nan[node.output])

    def tells_infinite(self, value: Value) -> bool:
        return value.name in self._infinite and bool(self._infinite[value.name].all())

    def tells_anything(self, value: Value) -> bool:
        return self.tells_infinite(value) and bool(self._nan[value.name].all())

    def _note(self, name: str, infinite: Flags, nan: Flags) -> None:
        width = self._body.widths.get(name)
        if width is None:
            # A constant.
            return
        if width < len(infinite):
            # One column that was spread over several.
            infinite, nan = np.array([infinite.any()]), np.array([nan.any()])
        nothing = np.zeros_like(infinite)
        self._infinite[name] = self._infinite.get(name, nothing) | infinite
        self._nan[name] = self._nan.get(name, nothing) | nan

    def _step(self, node: Node, infinite: Flags, nan: Flags) -> None:
        if node.op in _CARRIERS or node.op in ("add", "sub"):
            for name in node.inputs:
                self._note(name, infinite, nan)
        elif node.op in ("mul", "div"):
            self._scaled(node, infinite, nan)
        elif node.op == "where":
            self._filled(node, infinite)
        elif node.op in ("linear", "row_sum"):
            width = self._body.widths[node.inputs[0]]
            self._note(node.inputs[0], np.full(width, infinite.any()), np.full(width, nan.any()))
        elif node.op in ("columns", "concat"):
            self._moved(node, infinite, nan)

    def _scaled(self, node: Node, infinite: Flags, nan: Flags) -> None:
        factor = self._body.constants.get(node.inputs[1])
        if factor is not None:
            keeps = (np.isfinite(factor) & (factor != 0)).reshape(-1)
            self._note(node.inputs[0], infinite & keeps, nan & keeps)

    def _filled(self, node: Node, infinite: Flags) -> None:
        """Gaps filled with numbers: NaN does not show any more."""
        condition, filling, kept = node.inputs
        if self._gaps.get(condition) == kept and filling in self._body.constants:
            self._note(kept, infinite, np.zeros_like(infinite))

    def _moved(self, node: Node, infinite: Flags, nan: Flags) -> None:
        if node.op == "concat":
            ends = np.cumsum([self._body.widths[name] for name in node.inputs])[:-1]
            for name, first, second in zip(node.inputs, np.split(infinite, ends), np.split(nan, ends), strict=True):
                self._note(name, first, second)
            return
        places = self._body.constants[node.inputs[1]]
        source = np.zeros((2, self._body.widths[node.inputs[0]]), dtype=np.bool_)
        np.logical_or.at(source[0], places, infinite)
        np.logical_or.at(source[1], places, nan)
        self._note(node.inputs[0], source[0], source[1])
