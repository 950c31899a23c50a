"""Values as the audit trail keeps them: without secrets, of bounded size, and such that canonical JSON can say them."""

import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any

import rfc8785

REDACTED = "[redacted]"

_LONGEST_TEXT = 500
_LONGEST_SEARCHED = 256 * 1024
_SHOWN_OF_LONG = 120
_MOST_ITEMS = 50
_DEEPEST = 8
_MOST_BYTES = 16 * 1024
_LARGEST_NUMBER = 2**53 - 1

_SECRET_NAME = re.compile(
    r"token|passw|passphrase|secret|authoriz|credential|api.?key|private.?key|signature|cookie", re.IGNORECASE
)
# These speak of tokens and signatures, and open nothing.
_HARMLESS_NAMES = re.compile(r"(^|_)(page_token|token_id|token_ids|model_signature|has_signature)$")
# Everything under these names may be a secret, whatever its own name is.
_SECRET_PLACES = frozenset(("environment_vars", "env_vars", "generic_webhook", "slack"))
_SECRET_TEXT = (
    (re.compile(r"\b(phd_|dapi)[0-9a-f]{16,}"), r"\1" + REDACTED),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), r"\1 " + REDACTED),
    (re.compile(r"(\w://[^\s/:@]*):[^\s/@]+@"), r"\1:" + REDACTED + "@"),
    (
        re.compile(r"([?&][\w.-]*(?:sig|signature|token|secret|password|key)=)[^&\s\"']+", re.IGNORECASE),
        r"\1" + REDACTED,
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), REDACTED),
    (re.compile(r"/signed/([\w-]+)/[^/?\s\"']+"), r"/signed/\1/" + REDACTED),
)


def redacted(value: object) -> Any:
    """`value` as JSON of text, whole numbers, fractions, lists and objects; what is too large is cut, with its length
    and SHA-256 (of the redacted text).

    >>> redacted({"name": "m", "token_value": "phd_1", "page_token": "3"})
    {'name': 'm', 'token_value': '[redacted]', 'page_token': '3'}
    >>> redacted({"key": "db_password", "value": "x"})
    {'key': 'db_password', 'value': '[redacted]'}
    """
    cleaned = _cleaned(value, 0)
    if isinstance(cleaned, dict | list):
        whole = rfc8785.dumps(cleaned)
        if len(whole) > _MOST_BYTES:
            return _cut(whole.decode(), whole)
    return cleaned


def _cleaned(value: object, depth: int) -> Any:
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) <= _LARGEST_NUMBER else str(value)[:_LONGEST_TEXT]
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return _text(value)
        case bytes():
            return _cut("", value)
        case Mapping():
            return "[nested too deeply]" if depth >= _DEEPEST else _object(value, depth)
        case list() | tuple() | set() | frozenset():
            return "[nested too deeply]" if depth >= _DEEPEST else _list(value, depth)
        case _:
            return _text(str(value))


def _object(value: Mapping[Any, object], depth: int) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, item in list(value.items())[:_MOST_ITEMS]:
        name = _text(str(key)) if len(str(key)) <= _LONGEST_TEXT else _text(str(key)[:_SHOWN_OF_LONG])
        if name in _SECRET_PLACES and isinstance(item, Mapping):
            kept[name] = {_text(str(each))[:_SHOWN_OF_LONG]: REDACTED for each in list(item)[:_MOST_ITEMS]}
        elif is_secret(name) and item not in (None, "", False, True):
            kept[name] = REDACTED
        else:
            kept[name] = _cleaned(item, depth + 1)
    # The way of tags: what the value is, another field tells.
    if isinstance(kept.get("key"), str) and "value" in kept and is_secret(kept["key"]):
        kept["value"] = REDACTED
    if len(value) > _MOST_ITEMS:
        kept["[more]"] = len(value) - _MOST_ITEMS
    return kept


def _list(value: list[object] | tuple[object, ...] | set[object] | frozenset[object], depth: int) -> list[Any]:
    items: list[object] = sorted(value, key=repr) if isinstance(value, set | frozenset) else list(value)
    kept = [_cleaned(item, depth + 1) for item in items[:_MOST_ITEMS]]
    return kept if len(items) <= _MOST_ITEMS else [*kept, f"[{len(items) - _MOST_ITEMS} more]"]


def is_secret(name: str) -> bool:
    """Whether what goes by this name is kept from the trail.

    >>> is_secret("OPENAI_API_KEY"), is_secret("page_token"), is_secret("name")
    (True, False, False)
    """
    return bool(_SECRET_NAME.search(name)) and not _HARMLESS_NAMES.search(name)


def _text(value: str) -> str:
    # Half of a surrogate pair has no UTF-8.
    raw = value.encode("utf-8", "replace")
    if len(raw) > _LONGEST_SEARCHED:
        # Too long to be worth a search; nothing is shown of it.
        return _cut("", raw)
    text = raw.decode()
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text if len(text) <= _LONGEST_TEXT else _cut(text, text.encode())


def _cut(text: str, raw: bytes) -> str:
    digest = hashlib.sha256(raw).hexdigest()
    return f"{text[:_SHOWN_OF_LONG]}[cut: {len(raw)} bytes, sha256 {digest}]"
