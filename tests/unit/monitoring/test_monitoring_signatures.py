"""What an MLmodel file says of its inputs."""

import json
from typing import Any

import pytest

from pierhead.monitoring.domain.signatures import Kind, Signature, signature_of


def mlmodel(inputs: Any) -> bytes:
    return f"signature:\n  inputs: '{json.dumps(inputs)}'\n  outputs: null\n".encode()


@pytest.mark.parametrize(
    ("inputs", "signature"),
    [
        (
            [{"name": "a", "type": "long"}, {"name": "b", "type": "datetime"}, {"type": "map", "name": "c"}],
            Signature((("a", Kind.LONG), ("b", Kind.TIMESTAMP), ("c", Kind.JSON))),
        ),
        ([{"type": "string"}, {"type": "binary"}], Signature((("0", Kind.STRING), ("1", Kind.STRING)))),
        ([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}], Signature(tensor=Kind.DOUBLE)),
        ([{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}], Signature(tensor=Kind.LONG)),
        (
            [
                {"type": "tensor", "name": "a", "tensor-spec": {"dtype": "bool", "shape": [-1]}},
                {"type": "tensor", "name": "b", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}},
            ],
            Signature((("a", Kind.BOOLEAN), ("b", Kind.JSON))),
        ),
    ],
    ids=["columns", "unnamed", "tensor", "whole-tensor", "named-tensors"],
)
def test_inputs_become_columns(inputs: Any, signature: Signature) -> None:
    assert signature_of(mlmodel(inputs)) == signature


@pytest.mark.parametrize("raw", [b"", b"{", b"signature: 1", b"flavors: {}", mlmodel([]), mlmodel({}), mlmodel([1])])
def test_a_file_that_says_nothing_has_no_signature(raw: bytes) -> None:
    assert signature_of(raw) is None
