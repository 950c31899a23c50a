"""Triton's Python backend with dynamic batching, by PyTriton: `python triton_server.py MODEL PORT`.

POST /v2/models/NAME/infer with JSON tensors: `numbers` FP64 [rows, n] and, for the pipeline, `words` BYTES [rows, n].
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import models
import numpy as np
import pandas as pd
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


def main(name: str, port: int) -> None:
    model = models.train(name)
    asked = models.asked(name, 1)
    numbers = [column for column in asked if column.startswith("n")]
    words = [column for column in asked if column.startswith("c")]

    @batch
    def infer(**tensors: np.ndarray) -> dict[str, Any]:
        frame = pd.DataFrame(tensors["numbers"], columns=numbers)
        if words:
            text = np.char.decode(tensors["words"].astype(bytes), "utf-8").astype(object)
            frame = pd.concat([frame, pd.DataFrame(text, columns=words)], axis=1)
        return {"predictions": model.predict_proba(frame)}

    inputs = [Tensor(name="numbers", dtype=np.float64, shape=(len(numbers),))]
    if words:
        inputs.append(Tensor(name="words", dtype=bytes, shape=(len(words),)))
    config = TritonConfig(http_port=port, grpc_port=port + 1, metrics_port=port + 2, http_address="127.0.0.1")
    with Triton(config=config) as triton:
        triton.bind(
            model_name=name,
            infer_func=infer,
            inputs=inputs,
            outputs=[Tensor(name="predictions", dtype=np.float64, shape=(2,))],
            config=ModelConfig(max_batch_size=128, batcher=DynamicBatcher(max_queue_delay_microseconds=500)),
            strict=False,
        )
        triton.serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
