"""What accounts, groups and entitlements may be called."""

import re
import unicodedata
from uuid import UUID

from pierhead.kit.errors import InvalidArgument

_MAX_LENGTH = 255
_ENTITLEMENT = re.compile(r"[a-z][a-z0-9-]{0,63}")


def fold(name: str) -> str:
    """Names that fold alike are the same name.

    >>> fold("Ada@Example.org") == fold("ada@example.ORG")
    True
    """
    return unicodedata.normalize("NFKC", name).casefold()


def check_name(what: str, name: str) -> str:
    """The name itself. Raises InvalidArgument if a `what` (user, group, ...) cannot be called so."""
    if not name or len(name) > _MAX_LENGTH or len(fold(name)) > _MAX_LENGTH:
        raise InvalidArgument(f"the name of a {what} has 1 to {_MAX_LENGTH} characters, not {len(name)}")
    if name != name.strip():
        raise InvalidArgument(f"the name of a {what} neither begins nor ends with a space: {name!r}")
    # What cannot be seen would make two names look alike in every record.
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for character in name):
        raise InvalidArgument(f"the name of a {what} has no control characters: {name!r}")
    return name


def check_entitlements(words: frozenset[str]) -> frozenset[str]:
    """The words themselves. Raises InvalidArgument."""
    for word in sorted(words):
        if not _ENTITLEMENT.fullmatch(word):
            raise InvalidArgument(f"an entitlement is a word like 'workspace-access', not {word!r}")
    return words


def check_application_id(text: str) -> str:
    """A UUID in its usual form. Raises InvalidArgument."""
    try:
        return str(UUID(text))
    except ValueError:
        raise InvalidArgument(f"the applicationId of a service principal is a UUID, not {text!r}") from None
