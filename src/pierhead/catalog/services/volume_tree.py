"""The files of all volumes as one tree for the file API, and who may touch them."""

from pathlib import Path

from pierhead.catalog.domain.volumes import Volume
from pierhead.catalog.services.mounts import Operation
from pierhead.catalog.store.volumes import VolumeStore
from pierhead.identity.domain.objects import Action, Asset, Kind
from pierhead.identity.services.access import Access
from pierhead.kit.audit_context import note
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.files import FileEntry
from pierhead.kit.folder_tree import FolderTree
from pierhead.kit.names import FullName
from pierhead.kit.web.caller import Caller

_ACTIONS: dict[Operation, Action] = {"read": Action.READ, "write": Action.WRITE}


class VolumeTree:
    """A `FileTree` over `CATALOG/SCHEMA/VOLUME/...`. Above volumes there is nothing to list: names need rights too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, path: str) -> FileEntry | None:
        try:
            tree, root, inside = self._locate(path)
        except NotFound:
            return None
        return _moved(tree.find(inside), root)

    def list(self, path: str) -> list[FileEntry]:
        tree, root, inside = self._locate(path)
        return [FileEntry(f"{root}/{e.path}", e.is_directory, e.size_bytes, e.modified_ms) for e in tree.list(inside)]

    def local_file(self, path: str) -> Path:
        tree, _, inside = self._locate(path)
        return tree.local_file(inside)

    def adopt(self, path: str, upload: Path, *, overwrite: bool, by: Caller) -> None:
        tree, inside = self._to_change(path, "write file")
        tree.adopt(inside, upload, overwrite=overwrite, by=by)

    def make_directory(self, path: str, *, by: Caller) -> None:
        tree, inside = self._to_change(path, "make directory")
        tree.make_directory(inside, by=by)

    def delete(self, path: str, *, by: Caller) -> None:
        tree, inside = self._to_change(path, "delete")
        tree.delete(inside, by=by)

    def check(self, caller: Caller, operation: Operation, path: str) -> None:
        """The guard of this tree's mount. Raises PermissionDenied, or NotFound if there is no such volume."""
        with self._database.reading() as connection:
            volume, _ = _find(VolumeStore(connection), path)
            Access(connection, caller).require(_ACTIONS[operation], asset_of(volume))

    def _locate(self, path: str) -> tuple[FolderTree, str, str]:
        """The volume's own tree, its path in this one, and the path in its own."""
        with self._database.reading() as connection:
            volume, inside = _find(VolumeStore(connection), path)
        return FolderTree(volume.location), str(volume.full_name).replace(".", "/"), inside

    def _to_change(self, path: str, what: str) -> tuple[FolderTree, str]:
        """As `_locate`, with a record in the audit trail: files change in no transaction that would make one."""
        with self._database.transaction() as connection:
            volume, inside = _find(VolumeStore(connection), path)
            note(action=what, object=f"volume '{volume.full_name}'", path=f"/Volumes/{path}")
        return FolderTree(volume.location), inside


def asset_of(volume: Volume) -> Asset:
    """The volume as rights see it."""
    name = volume.full_name
    return Asset(Kind.VOLUME, name.catalog, name.schema, name.name, volume.owner)


def _find(volumes: VolumeStore, path: str) -> tuple[Volume, str]:
    parts = path.split("/")
    if len(parts) < 3:
        raise NotFound(f"/Volumes/{path} names no volume: those are /Volumes/CATALOG/SCHEMA/VOLUME")
    try:
        volume = volumes.find(FullName.parse(".".join(parts[:3])))
    except InvalidArgument:
        volume = None
    if volume is None:
        raise NotFound(f"volume /Volumes/{'/'.join(parts[:3])} does not exist")
    return volume, "/".join(parts[3:])


def _moved(entry: FileEntry | None, root: str) -> FileEntry | None:
    if entry is None:
        return None
    return FileEntry(f"{root}/{entry.path}".rstrip("/"), entry.is_directory, entry.size_bytes, entry.modified_ms)
