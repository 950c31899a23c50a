"""Files that are either old or new, never half. Standard library only: workers load this file."""

import os
from pathlib import Path


def replace_file(path: Path, content: str | bytes, *, mode: int = 0o600, synced: bool = True) -> None:
    """Put `content` at `path` in one step, open as `mode` says; processes see the old file or the new one.

    One that is `synced` survives a power cut at any point too. Raises OSError: the old file is as it was.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            # An older draft of a process with our id may have had another mode.
            os.fchmod(file.fileno(), mode)
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            if synced:
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
