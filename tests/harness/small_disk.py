"""A disk of a few megabytes that can really be full: a tmpfs of our own, where the system lets us mount one."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A mounted folder; `fill` takes what is left of it, `free` gives it back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """To the last byte: what is left after large pieces is taken in small ones."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1024 * 1024, 4096, 1):
                while True:
                    try:
                        file.write(b"x" * size)
                    except OSError:
                        break

    def free(self) -> None:
        self._ballast.unlink()

    def size_bytes(self) -> int:
        """Of all that lies there but the ballast."""
        files = (file for file in self.folder.rglob("*") if file.is_file() and file != self._ballast)
        return sum(file.stat().st_size for file in files)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount it at `folder`, which is made. Skips the test where mounting is not allowed."""
    folder.mkdir(mode=0o755, parents=True)
    command = [
        shutil.which("mount") or "mount",
        "-t",
        "tmpfs",
        "-o",
        f"size={megabytes}m",
        "pierhead-test",
        str(folder),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no program to mount a small disk with: {error}")
    if done.returncode:
        pytest.skip(f"this system does not let us mount a small disk: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a server that is being stopped may hold a file there for a moment longer.
        subprocess.run(["umount", "-l", str(folder)], check=True)
