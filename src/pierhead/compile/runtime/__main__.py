"""Started as a script by the interpreter of the server: `python .../compile/runtime/__main__.py --config RECORD`."""

import os
import sys
import time
from pathlib import Path


def prepare() -> None:
    """One thread for every library, and no name of ours in the way of others'. Before anything large is imported."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    here = Path(__file__).resolve().parent
    source = str(here.parents[2])
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != here]
    if source not in sys.path:
        sys.path.append(source)


if __name__ == "__main__":
    began_s = time.monotonic()
    prepare()
    from pierhead.compile.runtime.process import main

    main(sys.argv[1:], began_s)
