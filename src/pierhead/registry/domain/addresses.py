"""Where a version's files are found from outside, as paths in the two trees of files."""

import re

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_\-. ]+")
_ID_MARK = "id:"
"""No model name holds a ':', so this cannot be mistaken for one."""


def path_by_name(model_name: str, model_id: str, number: int) -> str:
    """The version's folder in the tree by name; a name that would suffer in a URL is replaced by the model's id.

    >>> path_by_name("main.fraud.classifier", "0f", 3)
    'main.fraud.classifier/3'
    >>> path_by_name("wer?", "0f", 3)
    'id:0f/3'
    """
    name = model_name if _PLAIN_NAME.fullmatch(model_name) else _ID_MARK + model_id
    return f"{name}/{number}"


def path_by_parts(model_name: str, number: int) -> str:
    """The version's folder in the tree by catalog, schema and model.

    >>> path_by_parts("main.fraud.classifier", 3)
    'main/fraud/classifier/3'
    """
    return f"{model_name.replace('.', '/')}/{number}"


def find_model_id(part: str) -> str | None:
    """The model id behind the first part of a path by name; None if the part is a name."""
    return part.removeprefix(_ID_MARK) if part.startswith(_ID_MARK) else None
