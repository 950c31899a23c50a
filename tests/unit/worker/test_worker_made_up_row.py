"""Rows made up from signatures."""

from typing import Any

import pytest

from pierhead.worker.made_up_row import made_up_payload

TYPES = ["boolean", "integer", "long", "float", "double", "string", "binary", "datetime", "any"]


def made_up(*inputs: dict[str, Any]) -> dict[str, Any]:
    return made_up_payload(list(inputs), from_type_hint=False)


def test_named_columns_become_a_split_frame_with_a_value_of_each_type() -> None:
    payload = made_up(*({"type": kind, "name": f"c_{kind}"} for kind in TYPES))["dataframe_split"]
    assert payload["columns"] == [f"c_{kind}" for kind in TYPES]
    assert payload["data"] == [[False, 0, 0, 0.0, 0.0, "", "", "2000-01-01T00:00:00", None]]


def test_unnamed_columns_become_a_frame_without_names() -> None:
    assert made_up({"type": "double"}, {"type": "long"}) == {"dataframe_split": {"data": [[0.0, 0]]}}


def test_nested_types_are_filled_to_the_bottom() -> None:
    person = {
        "type": "object",
        "name": "person",
        "properties": {
            "name": {"type": "string", "required": True},
            "scores": {"type": "array", "items": {"type": "double"}},
            "limits": {"type": "map", "values": {"type": "long"}},
        },
    }
    assert made_up(person)["dataframe_split"]["data"] == [[{"name": "", "scores": [0.0], "limits": {"key": 0}}]]


@pytest.mark.parametrize(
    ("dtype", "shape", "value"),
    [
        ("float64", [-1], [0.0]),
        ("float32", [-1, 2, 3], [[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]),
        ("int64", [-1, -1], [[0]]),
        ("uint8", [2, 1], [[0], [0]]),
        ("bool", [-1], [False]),
        ("str", [-1], [""]),
        ("object", [-1], [""]),
        ("datetime64[ns]", [-1], ["2000-01-01"]),
    ],
)
def test_a_tensor_has_its_shape_with_one_for_every_open_length(dtype: str, shape: list[int], value: Any) -> None:
    assert made_up({"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}) == {"inputs": value}


def test_named_tensors_are_given_by_name() -> None:
    spec = {"dtype": "float32", "shape": [-1, 1]}
    inputs = [{"type": "tensor", "name": name, "tensor-spec": spec} for name in ("left", "right")]
    assert made_up(*inputs) == {"inputs": {"left": [[0.0]], "right": [[0.0]]}}


def test_a_signature_from_a_type_hint_takes_a_list_of_values() -> None:
    assert made_up_payload([{"type": "string"}], from_type_hint=True) == {"inputs": [""]}
