"""Threads never find out together what msgspec must know of a type: see `pierhead.kit.decoding`."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import pierhead
from pierhead.kit.decoding import Converter

SOURCE = Path(pierhead.__file__).parent

# The first is what the rule is about; the second decodes types that it makes itself, so that no other thread has them.
EXEMPT = {"kit/decoding.py", "compile/runtime/forms.py"}


def unsafe(source: str) -> Iterator[str]:
    """The calls by which msgspec may meet a type for the first time after import."""
    tree = ast.parse(source)
    in_functions = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func)
        is_typed = name.endswith("decode") and any(keyword.arg == "type" for keyword in call.keywords)
        is_late = name in {"msgspec.json.Decoder", "msgspec.msgpack.Decoder", "Converter"} and id(call) in in_functions
        if is_typed or is_late or name == "msgspec.convert":
            yield f"line {call.lineno}: {ast.unparse(call)}"


def test_every_type_is_made_known_while_its_module_is_imported() -> None:
    found = {
        f"{path.relative_to(SOURCE)}, {call}"
        for path in SOURCE.rglob("*.py")
        if "msgspec" in (text := path.read_text()) or "Converter" in text
        for call in unsafe(text)
        if str(path.relative_to(SOURCE)) not in EXEMPT
    }

    assert found == set(), "threads could crash the process: see pierhead.kit.decoding"


@pytest.mark.parametrize(
    "call",
    [
        "msgspec.json.decode(raw, type=T)",
        "msgspec.msgpack.decode(raw, type=list[T])",
        "msgspec.json.decode(raw, strict=False, type=T, dec_hook=hook)",
        "msgspec.convert(value, T)",
        "msgspec.json.Decoder(T).decode(raw)",
        "Converter(T).convert(value)",
    ],
)
def test_a_call_that_may_meet_a_type_late_is_found(call: str) -> None:
    assert list(unsafe(f"def read(raw):\n    return {call}\n")) != []


@pytest.mark.parametrize(
    "line", ["T_DECODER = msgspec.json.Decoder(T)", "x = msgspec.json.decode(raw)", "y = D.decode(b)"]
)
def test_decoders_of_a_module_are_fine(line: str) -> None:
    assert list(unsafe(line)) == []


def test_a_converter_refuses_as_msgspec_does() -> None:
    converter = Converter(dict[str, int])

    assert converter.convert({"a": 1}) == {"a": 1}
    with pytest.raises(msgspec.ValidationError, match=r"Expected `int`, got `str`"):
        converter.convert({"a": "1"})


def test_threads_that_are_the_first_to_read_from_a_store_all_get_their_answer(tmp_path: Path) -> None:
    script = Path(__file__).with_name("first_decodes.py")

    done = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, timeout=60)

    # A crash shows as the number of a signal: -11.
    assert (done.returncode, done.stderr) == (0, "")
