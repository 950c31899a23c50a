"""The files of all versions as trees that the doors for artifacts can read and fill."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pierhead.kit.artifacts import ArtifactStore, Manifest, ManifestFile
from pierhead.kit.clock import to_ms
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, InvalidState, NotFound
from pierhead.kit.files import FileEntry
from pierhead.kit.folder_tree import FolderTree
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.addresses import find_model_id
from pierhead.registry.domain.models import ModelVersion, Pending
from pierhead.registry.domain.names import LARGEST_VERSION
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.versions import VersionStore


@dataclass(frozen=True, slots=True)
class Layout:
    """How paths name versions: `depth` parts for the model, the next one for the version's number.

    `list_parts` gives what can follow fewer than `depth` parts.
    """

    depth: int
    list_parts: Callable[[ModelStore, Sequence[str]], list[str]]


def _list_by_parts(models: ModelStore, above: Sequence[str]) -> list[str]:
    match above:
        case []:
            return models.list_catalogs()
        case [catalog]:
            return models.list_schemas(catalog)
        case [catalog, schema]:
            return [name.rpartition(".")[2] for name in models.list_names(catalog, schema)]
    return []


BY_PARTS = Layout(3, _list_by_parts)
"""`CATALOG/SCHEMA/MODEL/VERSION/...`"""
BY_NAME = Layout(1, lambda models, _above: models.list_all_names())
"""`NAME/VERSION/...`; `domain/addresses.py` has what stands for a name that does not fit into a path."""


@dataclass(frozen=True, slots=True)
class _Inside:
    """A place in a version's files: `root` is the version's path, `path` the rest, '' at the root."""

    version: ModelVersion
    root: str
    path: str


class RegistryTree:
    """A `FileTree`: READY versions can be read and never change, PENDING ones are filled by their registration.

    `pending` is where the files of PENDING versions wait: `VERSION_ID/`.
    """

    def __init__(self, database: Database, artifacts: ArtifactStore, pending: Path, layout: Layout) -> None:
        self._database = database
        self._artifacts = artifacts
        self._pending = pending
        self._layout = layout

    def find(self, path: str) -> FileEntry | None:
        inside = self._find_inside(path)
        if inside is None:
            return FileEntry(path, True, 0, 0) if self._find_names(path) is not None else None
        if not inside.path:
            return FileEntry(path, True, 0, to_ms(inside.version.updated_at))
        entry = self._contents(inside.version).find(inside.path)
        return None if entry is None else replace(entry, path=path)

    def list(self, path: str) -> list[FileEntry]:
        inside = self._find_inside(path)
        if inside is None:
            names = self._find_names(path)
            if names is None:
                raise NotFound(f"directory {path!r} does not exist")
            return [FileEntry(f"{path}/{name}".lstrip("/"), True, 0, 0) for name in sorted(names)]
        entries = self._contents(inside.version).list(inside.path)
        return [replace(entry, path=f"{inside.root}/{entry.path}") for entry in entries]

    def local_file(self, path: str) -> Path:
        inside = self._inside(path)
        file = self._artifacts.manifest(inside.version.digest).find(inside.path)
        if file is None:
            raise NotFound(f"file {path!r} does not exist")
        return self._artifacts.file(file.sha256)

    def adopt(self, path: str, upload: Path, *, overwrite: bool, by: Caller) -> None:
        inside = self._writable(path)
        self._upload_tree(inside.version).adopt(inside.path, upload, overwrite=overwrite, by=by)

    def make_directory(self, path: str, *, by: Caller) -> None:
        inside = self._writable(path)
        self._upload_tree(inside.version).make_directory(inside.path, by=by)

    def delete(self, path: str, *, by: Caller) -> None:
        inside = self._writable(path)
        self._upload_tree(inside.version).delete(inside.path, by=by)

    def _writable(self, path: str) -> _Inside:
        inside = self._inside(path)
        version = inside.version
        if version.state != Pending():
            raise InvalidState(
                f"version {version.number} of model '{version.model_name}' is registered and its files never change; "
                "register a new version"
            )
        if not inside.path:
            raise InvalidArgument(f"{path!r} is the whole version; name a file in it")
        return inside

    def _inside(self, path: str) -> _Inside:
        inside = self._find_inside(path)
        if inside is None:
            raise NotFound(f"{path!r} lies in no version of a registered model")
        return inside

    def _find_inside(self, path: str) -> _Inside | None:
        """The place in a version's files; None if the path ends above them or names no version."""
        parts = path.split("/")
        depth = self._layout.depth
        if len(parts) <= depth:
            return None
        number = find_number(parts[depth])
        version = None if number is None else self._find_version(parts[:depth], number)
        if version is None:
            return None
        return _Inside(version, "/".join(parts[: depth + 1]), "/".join(parts[depth + 1 :]))

    def _find_version(self, model: Sequence[str], number: int) -> ModelVersion | None:
        model_id = find_model_id(model[0])
        with self._database.reading() as connection:
            versions = VersionStore(connection)
            if model_id is not None:
                return versions.find_by_model_id(model_id, number)
            return versions.find(".".join(model), number)

    def _find_names(self, path: str) -> Sequence[str] | None:
        """What lies in a directory above the versions' files; None if there is no such directory."""
        parts = path.split("/") if path else []
        if len(parts) > self._layout.depth:
            return None
        with self._database.reading() as connection:
            models = ModelStore(connection)
            if len(parts) < self._layout.depth:
                return self._layout.list_parts(models, parts) or (None if parts else [])
            model = models.find(".".join(parts))
            if model is None:
                return None
            return [str(number) for number in VersionStore(connection).list_numbers(model.id)]

    def _contents(self, version: ModelVersion) -> "FolderTree | _ManifestTree":
        if version.state == Pending():
            return self._upload_tree(version)
        return _ManifestTree(self._artifacts.manifest(version.digest), to_ms(version.updated_at))

    def _upload_tree(self, version: ModelVersion) -> FolderTree:
        folder = self._pending / version.id
        folder.mkdir(parents=True, exist_ok=True)
        return FolderTree(folder)


class _ManifestTree:
    """What a manifest lists, by paths relative to its root."""

    def __init__(self, manifest: Manifest, modified_ms: int) -> None:
        self._manifest = manifest
        self._modified_ms = modified_ms

    def find(self, path: str) -> FileEntry | None:
        file = self._manifest.find(path)
        if file is None and self._manifest.find_directory(path) is None:
            return None
        return self._entry(path, file)

    def list(self, path: str) -> list[FileEntry]:
        inside = self._manifest.find_directory(path)
        if inside is None:
            raise NotFound(f"directory {path!r} does not exist")
        return [self._entry(f"{path}/{name}".lstrip("/"), file) for name, file in sorted(inside.items())]

    def _entry(self, path: str, file: ManifestFile | None) -> FileEntry:
        return FileEntry(path, file is None, 0 if file is None else file.size_bytes, self._modified_ms)


def find_number(part: str) -> int | None:
    """The version that a part of a path names; None if it is no version's number."""
    if not (part.isascii() and part.isdigit()) or len(part) > 10:
        return None
    return int(part) if int(part) <= LARGEST_VERSION else None
