"""A tree of files that is a folder on this machine, and the check that every path from outside passes first."""

import errno
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from pierhead.kit.errors import AlreadyExists, InvalidArgument, NotFound
from pierhead.kit.files import FileEntry
from pierhead.kit.web.caller import Caller

_LONGEST_PATH_BYTES = 4096
_LONGEST_PART_BYTES = 255
_FORBIDDEN = frozenset("/\\" + "".join(map(chr, range(32))) + "\x7f")


def relative_path(text: str) -> str:
    """A path from outside as a path inside a tree: '/' between parts and at neither end; '' is the root.

    Raises InvalidArgument for empty parts, `.` and `..` (also percent-encoded any number of times), backslashes and
    control characters, parts over 255 bytes and paths over 4096.

    >>> relative_path("/a/b.txt")
    'a/b.txt'
    >>> relative_path("a/b/")
    'a/b'
    """
    trimmed = text.removeprefix("/").removesuffix("/")
    if not trimmed:
        return ""
    try:
        size = len(trimmed.encode())
    except UnicodeEncodeError:
        raise InvalidArgument("the path holds characters that are not Unicode text") from None
    if size > _LONGEST_PATH_BYTES:
        raise InvalidArgument(f"the path is {size} bytes long; at most {_LONGEST_PATH_BYTES} are allowed")
    for part in trimmed.split("/"):
        _refuse_bad_part(part, text)
    return trimmed


def _refuse_bad_part(part: str, path: str) -> None:
    if not part:
        raise InvalidArgument(f"path {path!r} has an empty part; write one '/' between parts")
    if len(part.encode()) > _LONGEST_PART_BYTES:
        raise InvalidArgument(f"path {path!r} has a part of more than {_LONGEST_PART_BYTES} bytes")
    # Whoever reads the path after us may decode it once more: what it then means must be as harmless.
    plain = _fully_decoded(part)
    if plain.strip(" ") in ("", ".", "..") or not _FORBIDDEN.isdisjoint(plain):
        raise InvalidArgument(f"path {path!r} has a part that is not allowed: {part!r}")


def _fully_decoded(part: str) -> str:
    while (plain := unquote(part)) != part:
        part = plain
    return part


class FolderTree:
    """A `FileTree` over a folder. Links that lead out of the folder are not followed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, path: str) -> FileEntry | None:
        try:
            return _entry(self._locate(path), path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def list(self, path: str) -> list[FileEntry]:
        folder = self._locate(path)
        found = []
        try:
            with os.scandir(folder) as items:
                for item in items:
                    if item.is_symlink() and not self._is_inside(Path(item.path)):
                        continue
                    with suppress(FileNotFoundError):
                        found.append(_entry(item, f"{path}/{item.name}" if path else item.name))
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(f"directory {path!r} does not exist") from None
        return sorted(found, key=lambda entry: entry.name)

    def local_file(self, path: str) -> Path:
        target = self._locate(path)
        if not target.is_file():
            raise NotFound(f"file {path!r} does not exist")
        return target

    def adopt(self, path: str, upload: Path, *, overwrite: bool, by: Caller) -> None:  # noqa: ARG002 - the port's
        if not path:
            raise InvalidArgument("the path names no file")
        target = self._locate(path)
        if target.is_dir():
            raise InvalidArgument(f"{path!r} is a directory, a file cannot take its place")
        self._make(target.parent, path)
        _move(upload, target, overwrite=overwrite, path=path)

    def make_directory(self, path: str, *, by: Caller) -> None:  # noqa: ARG002 - the port's
        self._make(self._locate(path), path)

    def delete(self, path: str, *, by: Caller) -> None:  # noqa: ARG002 - the port's
        if not path:
            raise InvalidArgument("the root of the tree cannot be deleted; name a file or directory in it")
        target = self._locate(path)
        # Of a link only the link goes, wherever it leads.
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
            return
        try:
            target.unlink()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(f"{path!r} does not exist") from None

    def _locate(self, path: str) -> Path:
        target = self._root / path
        if not self._is_inside(target):
            raise InvalidArgument(f"path {path!r} leads out of its tree")
        return target

    def _is_inside(self, target: Path) -> bool:
        root = os.path.realpath(self._root)
        real = os.path.realpath(target)
        return real == root or real.startswith(root.rstrip("/") + "/")

    @staticmethod
    def _make(folder: Path, path: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InvalidArgument(f"{path!r} cannot be made: a file stands where a directory is needed") from None


def _entry(target: "Path | os.DirEntry[str]", path: str) -> FileEntry:
    seen = target.stat()
    is_directory = target.is_dir()
    return FileEntry(path, is_directory, 0 if is_directory else seen.st_size, int(seen.st_mtime * 1000))


def _move(upload: Path, target: Path, *, overwrite: bool, path: str) -> None:
    try:
        _place(upload, target, overwrite=overwrite)
    except FileExistsError:
        raise AlreadyExists(f"file {path!r} exists already; ask for overwrite to replace it") from None
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # The tree lies on another file system: copy beside the target, so that it still appears in one step.
        near = target.with_name(f".{secrets.token_hex(8)}.upload")
        try:
            shutil.copyfile(upload, near)
            _move(near, target, overwrite=overwrite, path=path)
        finally:
            near.unlink(missing_ok=True)
        upload.unlink()


def _place(upload: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        upload.replace(target)
        return
    os.link(upload, target)
    upload.unlink()
