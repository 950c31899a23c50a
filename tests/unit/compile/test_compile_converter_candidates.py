"""The stock converters are tried where they might succeed, and nowhere else."""

from pathlib import Path

import pytest

from pierhead.compile.convert.candidates import may_be_converted

SIGNATURE = 'signature:\n  inputs: \'[{"type": "double", "name": "a"}]\'\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flavors:\n  python_function: {}\n  sklearn: {}\n" + SIGNATURE, True),
        ("flavors:\n  python_function: {}\n" + SIGNATURE, False),
        ("flavors:\n  sklearn: {}\n", False),
        ("flavors:\n  sklearn: {}\nsignature:\n  outputs: '[]'\n", False),
        ("flavors: [", False),
        ("- 1", False),
    ],
    ids=["scikit-learn", "opaque", "no signature", "no inputs", "no yaml", "no mapping"],
)
def test_only_models_of_scikit_learn_with_a_signature_are_tried(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "MLmodel").write_text(text)
    assert may_be_converted(tmp_path) is expected


def test_a_model_without_a_description_is_not_tried(tmp_path: Path) -> None:
    assert not may_be_converted(tmp_path)
