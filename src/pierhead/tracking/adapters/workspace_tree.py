"""Artifacts of runs and logged models under the paths that the Databricks file API gives them."""

from pathlib import Path

from pierhead.kit.errors import InvalidState, NotFound
from pierhead.kit.files import FileEntry, FileTree
from pierhead.kit.web.caller import Caller
from pierhead.tracking.domain.locations import from_file_api


class WorkspaceTree:
    """A `FileTree` over the tree of artifacts, for the mount `WorkspaceInternal/Mlflow/Artifacts`."""

    def __init__(self, artifacts: FileTree) -> None:
        self._artifacts = artifacts

    def find(self, path: str) -> FileEntry | None:
        inside = from_file_api(path)
        return None if inside is None else self._artifacts.find(inside)

    def list(self, path: str) -> list[FileEntry]:
        return self._artifacts.list(_existing(path))

    def local_file(self, path: str) -> Path:
        return self._artifacts.local_file(_existing(path))

    def adopt(self, path: str, upload: Path, *, overwrite: bool, by: Caller) -> None:
        self._artifacts.adopt(_writable(path), upload, overwrite=overwrite, by=by)

    def make_directory(self, path: str, *, by: Caller) -> None:
        self._artifacts.make_directory(_writable(path), by=by)

    def delete(self, path: str, *, by: Caller) -> None:
        self._artifacts.delete(_existing(path), by=by)


def _existing(path: str) -> str:
    inside = from_file_api(path)
    if inside is None:
        raise NotFound(f"/WorkspaceInternal/Mlflow/Artifacts/{path} does not exist")
    return inside


def _writable(path: str) -> str:
    inside = from_file_api(path)
    if inside is None:
        raise InvalidState(
            f"/WorkspaceInternal/Mlflow/Artifacts/{path} takes no files; artifacts go under "
            "EXPERIMENT/Runs/RUN/artifacts or EXPERIMENT/LoggedModels/MODEL/artifacts"
        )
    return inside
