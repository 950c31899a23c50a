"""Where the files of PENDING versions wait."""

from pathlib import Path


def upload_folder(uploads: Path, version_id: str) -> Path:
    return uploads / "models" / version_id
