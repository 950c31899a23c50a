"""A content-addressed store of files on a folder.

    ROOT/sha256/ab/abcdef...   a file named by the SHA-256 of its content: written once, read-only
    ROOT/drafts/               files on their way in

A *manifest* is such a file itself: the sorted list of a tree's paths, sizes and digests. Its own digest names the tree
for ever. Everything here is safe from several threads and processes at the same time.
"""

import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import msgspec

from pierhead.kit.errors import InternalError, InvalidArgument, NotFound

_DIGEST = re.compile(r"[0-9a-f]{64}")
_READ_ONLY = 0o444
_COPY_BYTES = 64 * 1024 * 1024
_CACHED_MANIFESTS = 256
_DRAFT_MARK = "."


class ManifestFile(msgspec.Struct, frozen=True):
    """One file of a tree; `path` has '/' between its parts."""

    path: str
    size_bytes: int
    sha256: str


class _ManifestContent(msgspec.Struct):
    files: list[ManifestFile]


_MANIFEST = msgspec.json.Decoder(_ManifestContent)


class Manifest:
    """What a tree holds; directories are those that its files imply."""

    def __init__(self, files: Sequence[ManifestFile]) -> None:
        self.files = tuple(sorted(files, key=lambda file: file.path))
        self._directories: dict[str, dict[str, ManifestFile | None]] = {"": {}}
        for file in self.files:
            self._enter(file)

    def _enter(self, file: ManifestFile) -> None:
        directory, _, name = file.path.rpartition("/")
        self._directories.setdefault(directory, {})[name] = file
        while directory:
            parent, _, name = directory.rpartition("/")
            self._directories.setdefault(parent, {})[name] = None
            directory = parent

    def find(self, path: str) -> ManifestFile | None:
        directory, _, name = path.rpartition("/")
        return self._directories.get(directory, {}).get(name)

    def find_directory(self, path: str) -> Mapping[str, ManifestFile | None] | None:
        """What lies directly in a directory by name, None standing for a directory; None if there is no such one."""
        return self._directories.get(path)


class ArtifactStore:
    """The store on the folder `root`, which is made on first use."""

    def __init__(self, root: Path) -> None:
        self._objects = root / "sha256"
        self._drafts = root / "drafts"
        self._cached = lru_cache(_CACHED_MANIFESTS)(self._read_manifest)

    def add_tree(self, folder: Path, now: datetime) -> str:
        """Copy in a whole folder; the digest of its manifest. Memory stays bounded.

        Raises InvalidArgument if there is no such folder, or if it holds anything but files, directories and links to
        files inside itself.
        """
        if not folder.is_dir():
            raise InvalidArgument(f"there is no folder at the source ({folder.name})")
        files = [self._add_member(path, source, now) for path, source in _members(folder)]
        return self.add_manifest(files, now)

    def add_manifest(self, files: Sequence[ManifestFile], now: datetime) -> str:
        """Keep the list of a tree's files, which are here already; its digest."""
        draft = self._new_draft()
        try:
            draft.write_bytes(msgspec.json.encode(_ManifestContent(list(Manifest(files).files))))
            return self._keep(draft, now)
        finally:
            draft.unlink(missing_ok=True)

    def manifest(self, digest: str) -> Manifest:
        """Raises NotFound, or InternalError if its content is damaged."""
        return self._cached(digest)

    def file(self, digest: str) -> Path:
        """Where the content lies, to be read only. Raises NotFound."""
        path = self._path(digest)
        if not path.is_file():
            raise NotFound(f"the artifact store holds nothing with digest {digest}")
        return path

    def lay_out(self, digest: str, into: Path) -> Path:
        """The tree of a manifest as the folder `into/DIGEST`, made in one step or found there; for reading only.

        Its files are copies, for whoever works in there may write after all, and what is stored must never change.
        Raises NotFound, or InternalError if a file is damaged or missing.
        """
        target = into / digest
        if target.is_dir():
            return target
        manifest = self.manifest(digest)
        draft = into / f"{_DRAFT_MARK}{digest}.{secrets.token_hex(8)}"
        draft.mkdir(parents=True)
        try:
            for file in manifest.files:
                self._place(file, draft / file.path)
            draft.rename(target)
        except OSError:
            # Somebody else was faster: their folder holds the same files.
            if not target.is_dir():
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return target

    def sweep(self, into: Path, before: datetime) -> None:
        """Remove drafts, here and of folders laid out in `into`, that nobody has touched since: their process died."""
        for draft in (*self._drafts.glob("*"), *into.glob(_DRAFT_MARK + "*")):
            try:
                if draft.stat().st_mtime >= before.timestamp():
                    continue
                shutil.rmtree(draft) if draft.is_dir() else draft.unlink()
            except OSError:
                # Whoever made it was not dead after all, and has just taken it away.
                continue

    def _place(self, file: ManifestFile, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        source = self._path(file.sha256)
        if not source.is_file():
            raise InternalError(
                f"{file.path} is missing in the artifact store, which has nothing with the digest {file.sha256}; "
                "restore the store from a backup"
            )
        _copy(source, path)
        if _sha256(path) != file.sha256:
            raise _damaged(file.sha256, file.path)
        _write_through(path)
        path.chmod(_READ_ONLY)

    def _add_member(self, path: str, source: Path, now: datetime) -> ManifestFile:
        draft = self._new_draft()
        try:
            _copy(source, draft)
            size = draft.stat().st_size
            return ManifestFile(path, size, self._keep(draft, now))
        finally:
            draft.unlink(missing_ok=True)

    def _new_draft(self) -> Path:
        self._drafts.mkdir(parents=True, exist_ok=True)
        return self._drafts / secrets.token_hex(16)

    def _keep(self, draft: Path, now: datetime) -> str:
        """Give a draft its name. Its time says when it was last wanted, so that a sweep can spare what is young."""
        digest = _sha256(draft)
        target = self._path(digest)
        if _holds(target, digest, draft.stat().st_size):
            draft.unlink()
        else:
            _write_through(draft)
            draft.chmod(_READ_ONLY)
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)
        os.utime(target, (now.timestamp(), now.timestamp()))
        return digest

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise NotFound(f"{digest!r} is no digest")
        return self._objects / digest[:2] / digest

    def _read_manifest(self, digest: str) -> Manifest:
        raw = self.file(digest).read_bytes()
        if hashlib.sha256(raw).hexdigest() != digest:
            raise _damaged(digest)
        try:
            return Manifest(_MANIFEST.decode(raw).files)
        except msgspec.DecodeError:
            raise NotFound(f"the file with digest {digest} is no manifest") from None


def _members(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file below, as its relative path and the file to read."""
    root = folder.resolve()
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        with os.scandir(root / directory) as entries:
            for entry in entries:
                path = f"{directory}/{entry.name}" if directory else entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                else:
                    yield _readable(path), _target(root, path, entry)


def _target(root: Path, path: str, entry: os.DirEntry[str]) -> Path:
    target = Path(entry.path)
    if entry.is_symlink():
        target = target.resolve()
        if not target.is_relative_to(root):
            raise InvalidArgument(f"{path!r} is a link that leads out of its folder; replace it by the file itself")
    if not target.is_file():
        raise InvalidArgument(f"{path!r} is neither a file nor a directory; only those can be stored")
    return target


def _readable(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"the file name {path!r} is not UTF-8; rename the file") from None
    return path


def _copy(source: Path, target: Path) -> None:
    # O_NOFOLLOW, because the name was checked and may mean another file by now.
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if not stat.S_ISREG(os.fstat(reader).st_mode):
            raise InvalidArgument(f"{source.name!r} is no regular file; only those can be stored")
        with target.open("xb") as writer:
            _copy_range(reader, writer.fileno())
    finally:
        os.close(reader)


def _copy_range(reader: int, writer: int) -> None:
    """Copy to the end of file inside the kernel, which shares blocks where the file system can."""
    try:
        while os.copy_file_range(reader, writer, _COPY_BYTES):
            pass
    except OSError:
        # Not between these two file systems: go on from where it stopped.
        with os.fdopen(os.dup(reader), "rb") as source, os.fdopen(os.dup(writer), "wb") as target:
            shutil.copyfileobj(source, target, 1024 * 1024)


def _write_through(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _holds(path: Path, digest: str, size_bytes: int) -> bool:
    """Whether the file has the content that its name promises; one that was damaged is written again."""
    try:
        return path.stat().st_size == size_bytes and _sha256(path) == digest
    except FileNotFoundError:
        return False


def _damaged(digest: str, path: str = "the manifest") -> InternalError:
    return InternalError(
        f"{path} in the artifact store is damaged: its content no longer has the digest {digest}; "
        "restore the store from a backup"
    )
