"""Experiments as rights see them."""

import re

from pierhead.kit.errors import InvalidArgument

OWNER_TAG = "pierhead.owner"
"""Whose an experiment is: set with its creation, by us alone."""

OUR_TAGS = "pierhead."
"""How tags begin that nobody but us may write, on whatever they stand."""

DEFAULT_ID = "0"
"""The experiment that MLflow takes where a call names none."""

# Ids are numbers of 64 bits; more digits than these would not fit.
_ID = re.compile(r"[0-9]{1,18}")


def experiment_id(text: str) -> str:
    """The id in the one form in which it is looked up: MLflow reads '7', '07' and even '٧' as the same number.

    Raises InvalidArgument for anything but plain digits.

    >>> experiment_id("007")
    '7'
    """
    if not _ID.fullmatch(text):
        raise InvalidArgument(f"experiment id {text!r} is not a number of at most 18 digits")
    return str(int(text))


def experiment_of_path(path: str) -> str | None:
    """The id of the experiment whose artifacts lie at a path of our tree; None at its root, and where none can be.

    >>> experiment_of_path("7/ab12/artifacts/model.pkl")
    '7'
    >>> experiment_of_path("07/ab12")
    """
    first = path.partition("/")[0]
    return first if _ID.fullmatch(first) and first == str(int(first)) else None
