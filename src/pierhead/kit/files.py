"""Trees of files that the HTTP doors for artifacts read and fill, whatever lies beneath."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pierhead.kit.web.caller import Caller


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file or directory; `path` is relative to its tree, with '/' between parts and at neither end."""

    path: str
    is_directory: bool
    size_bytes: int
    modified_ms: int

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


class FileTree(Protocol):
    """All paths are relative and already checked by `relative_path`; the root is ''."""

    def find(self, path: str) -> FileEntry | None: ...

    def list(self, path: str) -> list[FileEntry]:
        """What lies directly in a directory, sorted by name. Raises NotFound if `path` is no directory."""

    def local_file(self, path: str) -> Path:
        """A file to read from. Raises NotFound."""

    def adopt(self, path: str, upload: Path, *, overwrite: bool, by: Caller) -> None:
        """Move the complete file `upload` to `path`, making its parents.

        Raises AlreadyExists (no overwrite), InvalidState or PermissionDenied (this part of the tree takes no files).
        """

    def make_directory(self, path: str, *, by: Caller) -> None: ...

    def delete(self, path: str, *, by: Caller) -> None:
        """Remove a file, or a directory with all in it. Raises NotFound, InvalidState or PermissionDenied."""
