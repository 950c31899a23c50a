"""YAML from strangers must neither end the process nor keep it busy."""

from pathlib import Path

import pytest

from pierhead.kit.bounded_yaml import MOST_BYTES, MOST_DEPTH, UnreadableYaml, parse_yaml, read_yaml


def test_the_files_of_a_model_are_read() -> None:
    text = b"""
flavors:
  python_function: {env: {conda: conda.yaml}, python_version: 3.11.7}
is_signature_from_type_hint: false
run_id: 0123abcd
signature:
  inputs: '[{"type": "double"}]'
  params: null
"""
    assert parse_yaml(text) == {
        "flavors": {"python_function": {"env": {"conda": "conda.yaml"}, "python_version": "3.11.7"}},
        "is_signature_from_type_hint": False,
        "run_id": "0123abcd",
        "signature": {"inputs": '[{"type": "double"}]', "params": None},
    }


def test_a_version_is_not_read_as_a_number() -> None:
    assert parse_yaml(b"[3.10, 2024-01-01, 1_000, 0x10, 1:30]") == ["3.10", "2024-01-01", "1_000", "0x10", "1:30"]


@pytest.mark.parametrize("text", ["", "# nothing", "---"])
def test_an_empty_document_is_nothing(text: str) -> None:
    assert parse_yaml(text.encode()) is None


@pytest.mark.parametrize(
    ("raw", "fact"),
    [
        (b"[" * 100_000, f"nested more than {MOST_DEPTH} deep"),
        (b"{a: " * 100_000, f"nested more than {MOST_DEPTH} deep"),
        (b"- " * 100_000, f"nested more than {MOST_DEPTH} deep"),
        (b"? " * 100_000, f"nested more than {MOST_DEPTH} deep"),
        ("[".encode("utf-16") * 1000, "no YAML"),
        (b"a: &a [1]\nb: *a", "an alias"),
        (b"a: &a [*a]", "an alias"),
        (b"a: {<<: {b: 1}}", "a merge key"),
        (b"a: !!python/object/apply:os.system [true]", "a tag"),
        (b"a: !!int '1:1:1'", "a tag"),
        (b"[" + b"a," * 30_000 + b"]", "values"),
        (b"\n" * 100_000, "lines"),
        (b"a: " + b"x" * MOST_BYTES, "larger than"),
        (b"a: b: c", "no YAML"),
        (b"a: 1\n---\nb: 2", "no YAML"),
        (b"{[a]: 1}", "no YAML"),
        (b"\xff\xfe\x00", "no YAML"),
        (b"\x00", "no YAML"),
    ],
    ids=str,
)
def test_everything_else_is_unreadable_and_says_why(raw: bytes, fact: str) -> None:
    with pytest.raises(UnreadableYaml, match=fact) as caught:
        parse_yaml(raw)
    assert "\n" not in str(caught.value)


def test_numbers_that_take_long_to_compute_stay_text() -> None:
    sexagesimal = "1" + ":1" * 200_000
    assert parse_yaml(sexagesimal.encode()) == sexagesimal


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(UnreadableYaml, match="larger than"):
        read_yaml(tmp_path / "MLmodel")
