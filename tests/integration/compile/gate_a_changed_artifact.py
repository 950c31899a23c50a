"""Run as a script: makes a proved artifact wrong as stock converters do, and puts it to the gate once more.

`python gate_a_changed_artifact.py MODEL ARTIFACT FOLDER` prints the gate's results as JSON: of the artifact as it is,
of the same once more, of the wrong one.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import numpy_helper

from pierhead.compile.job.compiled import start_compiled
from pierhead.compile.job.gating import Gate
from pierhead.compile.job.order import Limits
from pierhead.compile.job.original import Original
from pierhead.compile.job.sandbox import Sandbox
from pierhead.compile.job.stages import Stages
from pierhead.compile.parity.probes import Known


def change(artifact: Path) -> None:
    """Round the thresholds of the first tree ensemble to single precision."""
    network = onnx.load(artifact / "model.onnx")
    trees = next(node for node in network.graph.node if node.op_type == "TreeEnsemble")
    splits = next(attribute for attribute in trees.attribute if attribute.name == "nodes_splits")
    thresholds = numpy_helper.to_array(splits.t).astype(np.float32).astype(np.float64)
    splits.t.CopyFrom(numpy_helper.from_array(thresholds, splits.t.name))
    onnx.save(network, artifact / "model.onnx")


if __name__ == "__main__":
    model, proved, folder = map(Path, sys.argv[1:])
    shutil.copytree(proved, folder / "artifact")
    change(folder / "artifact")
    with (folder / "log").open("ab", buffering=0) as log, Sandbox(Limits(2 * 1024**3, 120.0), log, folder) as sandbox:
        original = Original(sandbox, Path(sys.executable), model)
        facts = original.load()
        known = Known((facts.example or "").encode(), [])
        results = []
        for artifact in (proved, proved, folder / "artifact"):
            side = start_compiled(sandbox, artifact, shares_runs=True)
            # Without the program: whoever made the artifact may have misunderstood the model.
            results.append(Gate(original, side, Stages(log), seed=0, rows=100).judge(known, facts.layout, None))
    print(json.dumps(msgspec.to_builtins(results)))
    sys.stdout.flush()
    os._exit(0)
