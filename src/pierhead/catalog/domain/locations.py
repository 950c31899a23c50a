"""Where files of others may lie: addresses from outside as paths of this machine, and which of them are free."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pierhead.kit.errors import AlreadyExists, InvalidArgument


def local_path(location: str) -> Path:
    """The path that a `file:` URI or a path names. Raises InvalidArgument if it is neither, or not absolute.

    >>> local_path("file:///data/my%20table/")
    PosixPath('/data/my table')
    """
    text = _path_of_uri(location) if location.lower().startswith("file:") else location
    if "\0" in text:
        raise InvalidArgument("storage_location holds a NUL character")
    path = Path(text)
    if "://" in text or ":" in text.partition("/")[0]:
        raise InvalidArgument(
            f"storage_location {location!r} is not on this machine; give an absolute path, or file:///"
        )
    if not path.is_absolute():
        raise InvalidArgument(f"storage_location {location!r} is not an absolute path")
    return path


def _path_of_uri(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
        raise InvalidArgument(f"storage_location {uri!r} is not a file of this machine; write file:///PATH")
    return unquote(parts.path)


def refuse_taken(path: Path, taken: Mapping[str, Path]) -> None:
    """Raises AlreadyExists if `path` is, holds or lies in a folder of `taken`, which says what each belongs to."""
    for owner, other in taken.items():
        if overlap(path, other):
            raise AlreadyExists(f"{path} overlaps {other}, which belongs to {owner}; each needs a folder of its own")


def overlap(one: Path, other: Path) -> bool:
    """Whether two folders are the same, or one lies in the other.

    >>> overlap(Path("/a/b"), Path("/a")), overlap(Path("/a/b"), Path("/a/bc"))
    (True, False)
    """
    return one.is_relative_to(other) or other.is_relative_to(one)
