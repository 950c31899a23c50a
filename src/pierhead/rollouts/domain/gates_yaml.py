"""Terms of gates as YAML: `errors: {margin: 0.01}`, or `errors: off`."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any

from pierhead.kit.yaml_reader import Reader
from pierhead.rollouts.domain.gate_terms import GATE_KINDS, GateTerms, Metric, OnHarm

_BY_NAME = {kind.name: kind for kind in GATE_KINDS}


def read_gates(reader: Reader) -> Mapping[type[GateTerms], GateTerms | None]:
    """Terms by kind, None for what is off. What a gate leaves out is as usual."""
    entries = reader.entries(tuple(_BY_NAME))
    return {kind: _read_gate(entries.readers[name], kind) for name, kind in _BY_NAME.items() if name in entries}


def _read_gate(reader: Reader, kind: type[GateTerms]) -> GateTerms | None:
    if reader.value is False or reader.value == "off":
        return None
    names = tuple(each.name for each in fields(kind))
    entries = reader.entries(names)
    usual = kind()
    chosen: dict[str, Any] = {name: entries.read(name, _READERS[name], getattr(usual, name)) for name in names}
    return kind(**chosen)


def gate_yaml(terms: GateTerms) -> dict[str, Any]:
    """Every parameter of a gate; what is automatic is left out."""
    values = {each.name: getattr(terms, each.name) for each in fields(terms)}
    return {
        name: value.value if isinstance(value, Enum) else value for name, value in values.items() if value is not None
    }


def _between(least: float, most: float) -> Callable[[Reader], float]:
    def read(reader: Reader) -> float:
        number = reader.number()
        if not least <= number <= most:
            reader.refuse(f"a number from {least:g} to {most:g} is needed, not {reader.value!r}")
            return least
        return number

    return read


_READERS: Mapping[str, Callable[[Reader], Any]] = {
    "margin": _between(0, 10),
    "quantile": _between(0.5, 0.999),
    "least_ms": _between(0, 60_000),
    "tolerance": _between(0, 1e12),
    "metric": lambda reader: reader.choice(Metric),
    "least_labels": lambda reader: reader.count(1, 999_999),
    "least_requests": lambda reader: reader.count(1, 999_999),
    "require": Reader.flag,
    "prove": Reader.flag,
    "on_harm": lambda reader: reader.choice(OnHarm),
}
