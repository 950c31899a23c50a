"""One name space over many trees of files, and who may do what in each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from pierhead.kit.errors import NotFound
from pierhead.kit.files import FileTree
from pierhead.kit.folder_tree import relative_path
from pierhead.kit.web.caller import Caller

Operation = Literal["read", "write"]
FileGuard = Callable[[Caller, Operation, str], None]
"""Asked before each operation, with the path relative to the mount. Raises PermissionDenied. It may wait."""


def open_to_all(_caller: Caller, _operation: Operation, _path: str) -> None:
    """The guard of a mount in which everybody with a token may do everything."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A tree and its guard."""

    tree: FileTree
    guard: FileGuard = open_to_all


@dataclass(frozen=True, slots=True)
class Place:
    """A path, and where it lies: `inside` is relative to `tree`."""

    path: str
    tree: FileTree
    inside: str


class Mounts:
    """Mounts by the first parts of their paths: `WorkspaceInternal/Mlflow/Artifacts`, `Models`; '' takes the rest."""

    def __init__(self, mounts: Mapping[str, Mount]) -> None:
        # The longest name first, so that a mount inside another is found.
        self._mounts = sorted(mounts.items(), key=lambda item: -len(item[0]))

    def to_read(self, path: str, *, by: Caller) -> Place:
        """The place, for a caller who may read there. Raises PermissionDenied, and what `granted` raises."""
        return self._asked(path, by, "read")

    def to_write(self, path: str, *, by: Caller) -> Place:
        """The place, for a caller who may change it. Raises PermissionDenied, and what `granted` raises."""
        return self._asked(path, by, "write")

    def granted(self, path: str) -> Place:
        """The place, for whoever was allowed there before: the holder of a signed address.

        Raises InvalidArgument for a path that is not allowed, NotFound where nothing is mounted.
        """
        _, place = self._find(path)
        return place

    def _asked(self, path: str, by: Caller, operation: Operation) -> Place:
        mount, place = self._find(path)
        mount.guard(by, operation, place.inside)
        return place

    def _find(self, path: str) -> tuple[Mount, Place]:
        path = relative_path(path)
        for name, mount in self._mounts:
            if path == name or not name or path.startswith(name + "/"):
                return mount, Place(path, mount.tree, path.removeprefix(name).removeprefix("/"))
        raise NotFound(f"nothing is kept under /{path}")
