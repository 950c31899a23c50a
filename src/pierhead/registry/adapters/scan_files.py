"""The scan of one file of a model, whatever pickles are packed in."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from pierhead.registry.adapters.scan_streams import UNREADABLE, PackedStream, PlainStream, find_unpacked
from pierhead.registry.domain.pickle_arrays import UnknownArray
from pierhead.registry.domain.pickle_dangers import is_dangerous
from pierhead.registry.domain.pickle_scan import Found, NoPickle, Stream, scan_pickles

_PICKLE_NAMES = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".p"})
_PROTOCOLS = tuple(bytes([0x80, version]) for version in range(6))
_ZIP = b"PK\x03\x04"
_NUMPY = b"\x93NUMPY"
_LZ4 = b"\x04\x22\x4d\x18"
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_CODE = (".py", ".pyc", ".so", ".pyd")
_MOST_MEMBERS = 100_000
_DEEPEST = 3
_LARGEST_SCHEMA_BYTES = 16 * 1024 * 1024
_FAILURES = (NoPickle, UnknownArray, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, *UNREADABLE)


def scan_file(path: Path, name: str, found: Found) -> None:
    """Scan the file at `path`, which is called `name` in the model. Nothing that it holds can make this raise, except
    MemoryError: the process may use only so much."""
    if name.endswith(_CODE):
        found.add(f"{name} is Python code of the model's own, which loading may run")
        return
    with path.open("rb") as file:
        if _is_tar(file):
            found.add(f"{name} is a tar archive, which cannot be looked into")
            return
        _scan(file, name, found, depth=0)


def _is_tar(file: IO[bytes]) -> bool:
    file.seek(_TAR_MAGIC_AT)
    magic = file.read(len(_TAR_MAGIC))
    file.seek(0)
    return magic == _TAR_MAGIC


def _scan(file: IO[bytes], name: str, found: Found, *, depth: int) -> None:
    beginning = file.read(16)
    file.seek(0)
    # A member of an archive is unpacked on the way: to jump to its end would be to unpack all of it.
    stream: Stream = PackedStream(file) if depth else PlainStream(file)
    try:
        if beginning.startswith(_ZIP):
            _scan_zip(file, name, found, depth)
        elif beginning.startswith(_NUMPY):
            _scan_array(stream, name, found)
        elif beginning.startswith(_LZ4):
            found.add(f"{name} is packed with lz4, which cannot be looked into")
        elif (unpacked := find_unpacked(file, beginning)) is not None:
            _scan_stream(unpacked, name, found, must_be_pickle=_is_called_pickle(name))
        else:
            # In an archive lie the raw bytes of tensors, which may begin like anything.
            is_pickle = _is_called_pickle(name) or (depth == 0 and beginning.startswith(_PROTOCOLS))
            _scan_stream(stream, name, found, must_be_pickle=is_pickle)
    except _FAILURES as error:
        found.add(f"{name} cannot be scanned: {_line(error)}")


def _scan_stream(stream: Stream, name: str, found: Found, *, must_be_pickle: bool) -> None:
    """What may be a pickle or not, like a text file, is told of only if it is a dangerous one."""
    inside = Found()
    try:
        scan_pickles(stream, inside)
    except (NoPickle, UnknownArray, *UNREADABLE) as error:
        # Behind a complete pickle may lie anything: whoever loads it stops there.
        if must_be_pickle and not inside.pickles:
            inside.add(f"cannot be scanned to its end: {_line(error)}")
    except RecursionError:
        inside.add("cannot be scanned to its end: it is nested too deep")
    found.pickles += bool(inside.pickles)
    for danger in inside.dangers:
        found.add(f"{name} {danger}")


def _scan_array(stream: Stream, name: str, found: Found) -> None:
    """A file of numpy holds a pickle if its elements are objects."""
    head = stream.read(8)
    width = 2 if head[6:7] == b"\x01" else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > 1024 * 1024:
        raise ValueError("its header is too long")
    header = stream.read(length)
    if b"O" in header:
        _scan_stream(stream, name, found, must_be_pickle=True)


def _scan_zip(file: IO[bytes], name: str, found: Found, depth: int) -> None:
    if depth >= _DEEPEST:
        raise ValueError("archives are nested too deep")
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS:
            raise ValueError("the archive has too many members")
        for member in members:
            if not member.is_dir():
                with archive.open(member) as inside:
                    _scan_member(inside, f"{name}:{member.filename}", found, depth + 1)


def _scan_member(file: IO[bytes], name: str, found: Found, depth: int) -> None:
    if PurePosixPath(name.rpartition(":")[2]).name == "schema.json":
        _scan_schema(file.read(_LARGEST_SCHEMA_BYTES), name, found)
        return
    _scan(file, name, found, depth=depth)


def _scan_schema(raw: bytes, name: str, found: Found) -> None:
    """skops writes the names that it will import as JSON."""
    try:
        schema = json.loads(raw)
    except (ValueError, RecursionError):
        return
    for module, wanted in _named_types(schema):
        if is_dangerous(module, wanted):
            found.add(f"{name} imports {module}.{wanted}")


def _named_types(schema: Any) -> Iterator[tuple[str, str]]:
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            module, wanted = value.get("__module__"), value.get("__class__")
            if isinstance(module, str) and isinstance(wanted, str):
                yield module, wanted
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _is_called_pickle(name: str) -> bool:
    return PurePosixPath(name.lower()).suffix in _PICKLE_NAMES


def _line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
