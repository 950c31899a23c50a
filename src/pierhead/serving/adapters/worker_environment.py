"""What a worker's process finds in its environment: little, and nothing that belongs to the server."""

from collections.abc import Mapping
from pathlib import Path

_KEPT = (
    "HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
)

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

_FIXED = {
    "PYTHONUNBUFFERED": "1",
    # MLflow's own scoring server says so as well; models look at it.
    "_MLFLOW_IS_IN_SERVING_ENVIRONMENT": "true",
    # A model that is served tells nobody outside.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}


def worker_environment(server: Mapping[str, str], python: Path, asked: Mapping[str, str]) -> dict[str, str]:
    """The variables of a worker that runs `python`; `asked` are those of the served entity and win over ours.

    One thread per library: a replica answers one request at a time, and there are others on the machine.
    """
    kept = {name: value for name, value in server.items() if name in _KEPT or name.startswith("LC_")}
    path = f"{python.parent}:{server.get('PATH', '/usr/local/bin:/usr/bin:/bin')}"
    return {"LANG": "C.UTF-8", **kept, "PATH": path, **dict.fromkeys(_THREADS, "1"), **_FIXED, **asked}
