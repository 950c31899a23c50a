"""The proof that a loaded model can predict: one real prediction, through the same door as every invocation."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pierhead.worker.made_up_row import made_up_payload
from pierhead.worker.scoring import Answer, Scorer
from pierhead.worker.wording import reason_of

_LLM_KEYS = {"messages", "prompt", "input"}

# What a good model may raise at a value that never occurs in its data: an unknown category, a division by zero.
_COMPLAINTS_ABOUT_VALUES = (ValueError, KeyError, IndexError, ZeroDivisionError, OverflowError)


class NotProved(Exception):
    """The model loaded and cannot predict; the message says why in one or two lines."""


@dataclass(frozen=True, slots=True)
class Payload:
    """JSON to prove a model with; `made_up` if it comes from the signature and not from the model's author."""

    body: bytes
    made_up: bool


def prove(model: Any, scorer: Scorer, folder: Path) -> str:
    """Predict once. Returns what an operator should know about the proof, '' if all is well. Raises NotProved."""
    payload = find_payload(model.metadata, folder)
    if payload is not None:
        return _judge(scorer.score("application/json", payload.body), made_up=payload.made_up)
    if model.metadata.saved_input_example_info:
        return _prove_directly(model, folder)
    return "not proved: the version has neither an input example nor a signature"


def find_payload(metadata: Any, folder: Path) -> Payload | None:
    """The exact serving payload that was logged, else one built from the input example, else from the signature."""
    example = metadata.saved_input_example_info or {}
    serving = folder / example.get("serving_input_path", "serving_input_example.json")
    if example and serving.is_file():
        return Payload(serving.read_bytes(), made_up=False)
    plain = folder / example.get("artifact_path", "input_example.json")
    if example and plain.is_file():
        payload = payload_of_example(json.loads(plain.read_text()), example)
        return None if payload is None else Payload(json.dumps(payload).encode(), made_up=False)
    schema = metadata.get_input_schema()
    if schema is None or not schema.inputs:
        return None
    from_type_hint = bool(getattr(metadata, "_is_signature_from_type_hint", bool)())
    payload = made_up_payload(schema.to_dict(), from_type_hint=from_type_hint)
    return Payload(json.dumps(payload).encode(), made_up=True)


def payload_of_example(example: Any, described: dict[str, Any]) -> dict[str, Any] | None:
    """The serving payload for an `input_example.json`; None if there is no such form (sparse matrices).

    >>> payload_of_example({"columns": ["a"], "data": [[1]]}, {"type": "dataframe"})
    {'dataframe_split': {'columns': ['a'], 'data': [[1]]}}
    >>> payload_of_example({"inputs": [1], "params": {"k": 2}}, {"type": "ndarray", "params": "true"})
    {'inputs': [1], 'params': {'k': 2}}
    """
    beside: dict[str, Any] = {}
    if described.get("params"):
        beside = {"params": example["params"]}
        example = example["inputs"]
    kind = described.get("type")
    if kind == "dataframe":
        return {"dataframe_split": example, **beside}
    if kind == "ndarray" and isinstance(example, dict) and len(example) == 1 and {"inputs", "instances"} & set(example):
        return {**example, **beside}
    if kind == "json_object" and isinstance(example, dict) and _LLM_KEYS & set(example):
        return {**example, **beside.get("params", {})}
    if kind in ("ndarray", "json_object"):
        return {"inputs": example, **beside}
    return None


def _judge(answer: Answer, *, made_up: bool) -> str:
    if not answer.is_refusal:
        return ""
    if not made_up:
        raise NotProved(f"the model cannot predict its own input example: {answer.message}")
    # Exact types: a model that was never fitted raises a subclass of ValueError.
    about_values = answer.cause is None or type(answer.cause) in _COMPLAINTS_ABOUT_VALUES
    if answer.status >= 500 or not about_values:
        raise NotProved(f"the model cannot predict a row made up from its signature: {answer.message}")
    return f"not proved: {answer.message} (a row made up from the signature; log an input_example with the version)"


def _prove_directly(model: Any, folder: Path) -> str:
    try:
        model.predict(model.metadata.load_input_example(str(folder)))
    except Exception as error:
        raise NotProved(f"the model cannot predict its own input example: {reason_of(error)}") from error
    return ""
