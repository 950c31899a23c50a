"""Logs of bounded size, whoever writes them: models that print with every request above all."""

from contextlib import suppress
from pathlib import Path

LARGEST_LOG_BYTES = 32 * 1024 * 1024

_CHUNK_BYTES = 1024 * 1024


def rotate_logs(folder: Path, *, largest_bytes: int = LARGEST_LOG_BYTES) -> None:
    """Cut every `*.log` in `folder` and one level below that is larger; see `rotate`."""
    for pattern in ("*.log", "*/*.log"):
        for path in folder.glob(pattern):
            rotate(path, largest_bytes=largest_bytes)


def rotate(path: Path, *, largest_bytes: int = LARGEST_LOG_BYTES) -> None:
    """Move the content of a log that is larger to `NAME.log.1`, in place of what was there; the log begins anew.

    Its writers keep it open, and append to whatever is its end; a line that they write at this very moment may be
    lost. Of a log that grew far beyond the limit only the end is kept; on a full disk, nothing.
    """
    try:
        # A link, which the code of a model may have put there, is small.
        size = path.lstat().st_size
        if size <= largest_bytes:
            return
        with path.open("r+b") as log:
            older = path.with_name(f"{path.name}.1")
            draft = path.with_name(f".{path.name}.1")
            try:
                log.seek(size - largest_bytes)
                with draft.open("wb") as kept:
                    draft.chmod(0o600)
                    # No more than that, as the writers do not wait for us.
                    for _ in range(0, largest_bytes, _CHUNK_BYTES):
                        kept.write(log.read(_CHUNK_BYTES))
                draft.replace(older)
            except OSError:
                for file in (draft, older):
                    with suppress(OSError):
                        file.unlink(missing_ok=True)
            log.truncate(0)
    except FileNotFoundError:
        return
