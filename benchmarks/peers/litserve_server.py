"""LitServe with its batching on: `python litserve_server.py MODEL PORT`, POST /predict with `dataframe_split`."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import litserve
import models
import numpy as np
import pandas as pd


class Api(litserve.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002 - the signature is the library's
        self._model = models.train(sys.argv[1])

    def decode_request(self, request: dict[str, Any]) -> tuple[list[str], list[list[Any]]]:
        split = request["dataframe_split"]
        return split["columns"], split["data"]

    def batch(self, inputs: list[Any]) -> Any:
        self._sizes = [len(data) for _, data in inputs]
        columns = inputs[0][0]
        return pd.DataFrame([row for _, data in inputs for row in data], columns=columns)

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return self._model.predict_proba(rows)

    def unbatch(self, output: np.ndarray) -> list[Any]:
        return list(np.split(output, np.cumsum(self._sizes)[:-1]))

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        return {"predictions": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(
        Api(max_batch_size=64, batch_timeout=0.001), accelerator="cpu", workers_per_device=1, timeout=60
    )
    server.run(port=int(sys.argv[2]), host="127.0.0.1", generate_client_file=False, log_level="warning")
