"""Room on a disk that is kept for what must be written even when the disk is full: files made beforehand."""

import errno
import os
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)


def is_full(error: OSError) -> bool:
    """Whether there was no room for it on the disk."""
    return error.errno in _FULL


class Reserve:
    """A few files in `folder` whose blocks are taken already. What is written by them ends in spaces: for JSON."""

    def __init__(self, folder: Path, name: str, count: int) -> None:
        """`name` begins the names of its files, which are hidden."""
        self._paths = [folder / f".{name}.spare{number}" for number in range(count)]
        self._sizes: dict[Path, int] = {}
        self._size_bytes = 0

    def fill(self, size_bytes: int) -> None:
        """Have every file take this much, as far as there is room. Cheap when all do."""
        self._size_bytes = size_bytes
        for path in self._paths:
            if self._sizes.get(path, 0) < size_bytes:
                try:
                    _allocate(path, size_bytes)
                except OSError:
                    return
                self._sizes[path] = size_bytes

    def put(self, path: Path, content: bytes, *, mode: int = 0o600) -> None:
        """Replace the file at `path`, in the same folder, in one step.

        Raises OSError with ENOSPC if no file of ours is long enough for it.
        """
        spare = next((each for each in self._paths if self._size_of(each) >= len(content)), None)
        if spare is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        size = self._size_of(spare)
        overwrite(spare, content, mode=mode)
        old = path.with_name(f".{path.name}.old")
        is_kept = path.exists() and path.stat().st_size >= size
        if is_kept:
            old.unlink(missing_ok=True)
            old.hardlink_to(path)
        spare.replace(path)
        self._sizes.pop(spare, None)
        if is_kept:
            # What was there takes as much room, and is a spare from now on.
            old.replace(spare)

    def take_back(self, path: Path) -> None:
        """Remove a file of the same folder, which becomes a spare if one is missing and it was made of one."""
        missing = next((each for each in self._paths if not each.exists()), None)
        if missing is not None and self._size_of(path) >= self._size_bytes > 0:
            path.replace(missing)
        else:
            path.unlink(missing_ok=True)

    def _size_of(self, path: Path) -> int:
        try:
            return path.stat().st_size
        except OSError:
            return 0


def overwrite(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put `content` into a file that is there and no shorter, with spaces behind it: takes no room on the disk.

    Not in one step: who reads meanwhile may find it half done. Raises OSError.
    """
    with path.open("r+b") as file:
        os.fchmod(file.fileno(), mode)
        size = os.fstat(file.fileno()).st_size
        if size < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        file.write(content.ljust(size))


def _allocate(path: Path, size_bytes: int) -> None:
    try:
        if path.stat().st_size >= size_bytes:
            return
    except FileNotFoundError:
        pass
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        # Written, not only promised: some file systems give blocks to data alone.
        with os.fdopen(descriptor, "wb") as file:
            file.write(b" " * size_bytes)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
