import json
from pathlib import Path

import msgspec
import pytest

from pierhead.compile.convert.logged import take_logged, tensor_columns
from pierhead.compile.domain.certificate import Tier
from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.job.measuring import Measured, choose
from pierhead.compile.job.order import read_order


def measured(pyfunc: float, native: float | None, compiled: float | None, rows: int = 1) -> Measured:
    return Measured(rows, pyfunc, native, compiled)


@pytest.mark.parametrize(
    ("times", "is_proved", "is_native", "expected"),
    [
        ([measured(4000, 3900, 20)], True, True, (Tier.COMPILED, "onnxruntime", "onnxruntime")),
        ([measured(4000, 3900, None)], False, True, (Tier.PYFUNC, "pyfunc", "pyfunc")),
        ([measured(4000, 2000, None)], False, True, (Tier.NATIVE, "native", "native")),
        ([measured(4000, 2000, None)], False, False, (Tier.PYFUNC, "pyfunc", "pyfunc")),
        ([measured(4000, None, 5000)], True, False, (Tier.PYFUNC, "pyfunc", "pyfunc")),
        (
            [measured(4000, 3900, 20), measured(9000, 5000, 30000, 10_000)],
            True,
            True,
            (Tier.COMPILED, "onnxruntime", "native"),
        ),
        ([], True, True, (Tier.COMPILED, "onnxruntime", "onnxruntime")),
        ([], False, True, (Tier.PYFUNC, "pyfunc", "pyfunc")),
    ],
    ids=["proved", "no-gain", "native", "native-differs", "slower-compiled", "slower-in-batch", "untimed", "unknown"],
)
def test_the_clock_chooses_tier_and_engines_among_what_was_proved(times, is_proved, is_native, expected):
    choice = choose(times, is_proved=is_proved, is_native=is_native)
    assert (choice.tier, choice.engine_row, choice.engine_batch) == expected


def test_a_proved_artifact_that_is_slower_says_so():
    assert "faster" in choose([measured(4000, None, 5000)], is_proved=True, is_native=False).why


def test_an_order_is_read_with_its_defaults(tmp_path):
    limits = {"memory_bytes": 10, "wall_s": 30}
    order = {"model": "/m", "python": "/p", "output": "/o", "source": "d", "limits": limits}
    (tmp_path / "order.json").write_text(json.dumps(order))
    read = read_order(tmp_path / "order.json")
    assert (read.model, read.converter_python, read.samples) == (Path("/m"), None, [])
    assert (read.limits.child_cpu_s, read.limits.call_s, read.limits.load_s) == (30, 10, 20)
    (tmp_path / "order.json").write_text("{}")
    with pytest.raises(msgspec.DecodeError):
        read_order(tmp_path / "order.json")


@pytest.mark.parametrize(
    ("mlmodel", "reason"),
    [
        ("flavors: {}", "names no network"),
        ("flavors: {onnx: {data: ../elsewhere.onnx}}", "outside of its folder"),
        ("flavors: {onnx: {data: broken.onnx}}", "is no ONNX network"),
        ("[", "names no network"),
    ],
    ids=["none", "outside", "broken", "no-yaml"],
)
def test_a_logged_network_that_cannot_be_taken_says_why(tmp_path, mlmodel, reason):
    model = tmp_path / "model"
    model.mkdir()
    (model / "MLmodel").write_text(mlmodel)
    (model / "broken.onnx").write_bytes(b"\xff\xff no protobuf")
    (tmp_path / "elsewhere.onnx").write_bytes(b"")
    with pytest.raises(NotCompilable, match=reason):
        take_logged(model, [{"type": "double", "name": "x"}], tmp_path / "artifact", "digest")


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1]}}], r"of shape \[-1\], not of rows"),
        ([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, -1]}}], "not of rows of a known length"),
        ([{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1, 2]}}], "a tensor of str"),
        ([{"type": "tensor", "name": "x", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}], "with names"),
    ],
    ids=["flat", "open", "strings", "named"],
)
def test_a_tensor_that_rows_cannot_be_made_of_says_why(inputs, reason):
    with pytest.raises(NotCompilable, match=reason):
        tensor_columns(inputs)
