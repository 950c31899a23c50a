"""What names, aliases, tags and version numbers may look like: MLflow's rules."""

import posixpath
import re
import unicodedata
from collections.abc import Mapping

from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName

MODEL_NAME_LIMIT = 256
ALIAS_LIMIT = 255
TAG_KEY_LIMIT = 250
TAG_VALUE_LIMIT = 100_000
TEXT_LIMIT = 100_000
LARGEST_VERSION = 2**31 - 1

PROMPT_TAG = "mlflow.prompt.is_prompt"
"""MLflow keeps prompts as registered models with this tag set to `true`."""

_ALIAS = re.compile(r"[\w\-]+")
_VERSION_ALIAS = re.compile(r"[vV]\d+")
_TAG_KEY = re.compile(r"[/\w.\- :]+")


def check_model_name(name: str) -> None:
    """Raises InvalidArgument unless `name` is a model name: one or three parts, or anything without '/' and ':'."""
    if not name.strip():
        raise InvalidArgument("Missing value for required parameter 'name'.")
    if "/" in name or ":" in name:
        raise InvalidArgument(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.")
    if not name.isprintable():
        raise InvalidArgument(f"Invalid model name {name!r}. Names hold no line breaks and control characters.")
    if _means_another_path(name):
        raise InvalidArgument(f"Invalid model name '{name}'. Names must not mean another place when read as a path.")
    check_text("name", name, MODEL_NAME_LIMIT)


def check_alias(alias: str) -> None:
    """Raises InvalidArgument unless an alias may have this name."""
    if not _ALIAS.fullmatch(alias):
        raise InvalidArgument(
            f"Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-)."
        )
    if unicodedata.normalize("NFKC", alias) != alias:
        # It would look like another alias, which a policy may speak of.
        raise InvalidArgument(f"Invalid alias name: '{alias}'. Write '{unicodedata.normalize('NFKC', alias)}'.")
    if alias.lower() == "latest":
        raise InvalidArgument("'latest' alias name (case insensitive) is reserved.")
    if _VERSION_ALIAS.fullmatch(alias):
        raise InvalidArgument(f"Version alias name '{alias}' is reserved.")
    check_text("alias", alias, ALIAS_LIMIT)


def check_tag(key: str, value: str) -> None:
    """Raises InvalidArgument unless this may be a tag of a model or version."""
    if not _TAG_KEY.fullmatch(key) or _means_another_path(key):
        raise InvalidArgument(
            f"Invalid tag key '{key}'. Keys may only contain alphanumerics, '_', '-', '.', ' ', ':' and '/', "
            "and must not mean another place when read as a path."
        )
    check_text("key", key, TAG_KEY_LIMIT)
    check_text("value", value, TAG_VALUE_LIMIT)


def check_text(what: str, text: str, limit: int = TEXT_LIMIT) -> None:
    """Raises InvalidArgument if `text` is too long or holds a character that no database keeps."""
    if len(text) > limit:
        raise InvalidArgument(f"'{what}' exceeds the maximum length of {limit} characters")
    if "\0" in text:
        raise InvalidArgument(f"'{what}' holds a zero character; remove it")


def _means_another_path(name: str) -> bool:
    return posixpath.normpath(name) != name or name == "." or name.startswith(("..", "/"))


def version_number(text: str) -> int:
    """A version's number as clients write it. Raises InvalidArgument.

    >>> version_number("12")
    12
    """
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > LARGEST_VERSION:
        raise InvalidArgument(f"Parameter 'version' must be an integer, got '{text}'.")
    return int(text)


def find_namespace(name: str) -> FullName | None:
    """Catalog and schema of a name of three parts; None for every other name.

    >>> find_namespace("churn-model") is None
    True
    """
    try:
        return FullName.parse(name)
    except InvalidArgument:
        return None


def is_prompt(tags: Mapping[str, str]) -> bool:
    return tags.get(PROMPT_TAG, "").lower() == "true"
