"""Log one file of argv[1] megabytes, fetch it back, and print whether it is the same."""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

import mlflow


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


with tempfile.TemporaryDirectory() as folder:
    sent = Path(folder, "large.bin")
    block = os.urandom(1024 * 1024)
    with sent.open("wb") as file:
        for number in range(int(sys.argv[1])):
            file.write(number.to_bytes(8, "big") + block[8:])
    mlflow.set_experiment("/Shared/large")
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(sent), "deep")
    received = mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path="deep/large.bin", dst_path=folder + "/back"
    )
    print("same" if digest_of(Path(received)) == digest_of(sent) else "different", run.info.run_id)
