"""One name space over many trees of files."""

from collections.abc import Mapping
from dataclasses import dataclass

from pierhead.kit.errors import NotFound, NotImplementedYet
from pierhead.kit.files import FileTree
from pierhead.kit.folder_tree import relative_path


@dataclass(frozen=True, slots=True)
class Place:
    """A path, and where it lies: `inside` is relative to `tree`."""

    path: str
    tree: FileTree
    inside: str


class Mounts:
    """Trees by the first parts of their paths: `WorkspaceInternal/Mlflow/Artifacts`, `Models`; '' takes the rest."""

    def __init__(self, trees: Mapping[str, FileTree]) -> None:
        # The longest name first, so that a tree inside another is found.
        self._trees = sorted(trees.items(), key=lambda item: -len(item[0]))

    def at(self, path: str) -> Place:
        """Raises InvalidArgument for a path that is not allowed, NotFound where nothing is mounted.

        Volumes are known and not offered: NotImplementedYet.
        """
        path = relative_path(path)
        for name, tree in self._trees:
            if path == name or not name or path.startswith(name + "/"):
                return Place(path, tree, path.removeprefix(name).removeprefix("/"))
        if path.startswith("Volumes/"):
            raise NotImplementedYet("volumes are not offered; models and run artifacts are, each under its own path")
        raise NotFound(f"nothing is kept under /{path}")
