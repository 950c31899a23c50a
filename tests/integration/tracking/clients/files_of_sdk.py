"""The file API through the Databricks SDK. argv[1]: a directory that takes files. Prints 'ok'."""

import hashlib
import io
import os
import sys
import tempfile
from pathlib import Path

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound

SIZE_BYTES = 60 * 1024 * 1024


class OneWay(io.RawIOBase):
    """A stream that cannot tell its length."""

    def __init__(self, text: bytes) -> None:
        self._source = io.BytesIO(text)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        return self._source.read(size)


files = WorkspaceClient().files
root = sys.argv[1]
text = os.urandom(SIZE_BYTES)
digest = hashlib.sha256(text).hexdigest()

files.upload(f"{root}/parallel.bin", io.BytesIO(text), overwrite=True)
files.upload(f"{root}/serial.bin", io.BytesIO(text), overwrite=True, use_parallel=False)
files.upload(f"{root}/one-way.bin", OneWay(text), overwrite=True, use_parallel=False)
files.upload(f"{root}/odd name é%2e+#.txt", io.BytesIO(b"small"), overwrite=True)
for name in ("parallel.bin", "serial.bin", "one-way.bin"):
    with files.download(f"{root}/{name}").contents as stream:
        assert hashlib.sha256(stream.read()).hexdigest() == digest, name
assert files.download(f"{root}/odd name é%2e+#.txt").contents.read() == b"small"
assert files.get_metadata(f"{root}/serial.bin").content_length == SIZE_BYTES

with tempfile.TemporaryDirectory() as folder:
    target = Path(folder, "back.bin")
    files.download_to(f"{root}/serial.bin", str(target), use_parallel=True, parallelism=2)
    assert hashlib.sha256(target.read_bytes()).hexdigest() == digest

names = sorted(entry.name for entry in files.list_directory_contents(root))
assert names == ["odd name é%2e+#.txt", "one-way.bin", "parallel.bin", "serial.bin"], names
files.create_directory(f"{root}/made")
files.get_directory_metadata(f"{root}/made")
files.delete_directory(f"{root}/made")
for name in names:
    files.delete(f"{root}/{name}")
for call, path in (
    (files.get_directory_metadata, f"{root}/made"),
    (files.get_metadata, f"{root}/serial.bin"),
    (files.download, f"{root}/serial.bin"),
):
    try:
        call(path)
    except NotFound:
        continue
    raise AssertionError(f"{call.__name__} found {path}")
print("ok")
