"""Log the version of a Delta table that a run was trained on, without Spark: `log_delta_input("main.churn.training")`.

MLflow's own `DeltaDatasetSource` leaves version 0 out of what it writes; this one keeps it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName

MANIFEST_TAG = "pierhead.manifest_sha256"
"""The tag of an input that holds the digest of the version's list of files, as this client saw it."""

_CONTEXT_TAG = "mlflow.data.context"
_DIGEST_LENGTH = 32
"""MLflow allows 36 characters."""


def log_delta_input(
    table: str | Path,
    version: int | None = None,
    *,
    context: str = "training",
    name: str | None = None,
    run_id: str | None = None,
) -> Any:
    """Log a Delta table at a version as an input of a run, the active one unless `run_id` names another.

    Arguments and errors as for `delta_dataset`, whose data set is logged and given back.
    """
    import mlflow
    from mlflow.entities import DatasetInput, InputTag

    dataset = delta_dataset(table, version, name=name)
    tags = {_CONTEXT_TAG: context} | ({MANIFEST_TAG: dataset.manifest_sha256} if dataset.manifest_sha256 else {})
    given = DatasetInput(dataset._to_mlflow_entity(), [InputTag(key, text) for key, text in tags.items()])
    if run_id is None:
        run_id = (mlflow.active_run() or mlflow.start_run()).info.run_id
    mlflow.MlflowClient().log_inputs(run_id, [given])
    return dataset


def delta_dataset(table: str | Path, version: int | None = None, *, name: str | None = None) -> Any:
    """A Delta table at a version as an MLflow data set, for `mlflow.log_input` and for metrics measured on it.

    `table` is a name of three parts, or the folder of the table. Without `version` it is the newest one, which can be
    told only where the table's folder can be opened. `name` is how the data set is called in MLflow. Its attribute
    `manifest_sha256` is the digest of the version's list of files, None if this machine cannot open the table.

    Raises ValueError if there is no such version, or if no version is given and none can be found.
    """
    from mlflow.data.delta_dataset_source import DeltaDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    class VersionedSource(DeltaDatasetSource):  # type: ignore[misc]
        def to_dict(self) -> dict[str, Any]:
            return dict(source)

    path, source = _place(table)
    source["delta_table_version"], manifest = _look(path, version, str(table))
    # Who cannot open the table still tells two versions apart by their digests.
    digest = (manifest or _sha256(json.dumps(source, sort_keys=True)))[:_DIGEST_LENGTH]
    dataset = MetaDataset(VersionedSource(**source), name=name or _short(table), digest=digest)
    dataset.manifest_sha256 = manifest
    return dataset


def _place(table: str | Path) -> tuple[Path | None, dict[str, Any]]:
    """The table's folder, None if this machine does not reach it, and the beginning of the source."""
    if isinstance(table, str) and _is_name(table):
        location = _find_location(table)
        path = Path(location) if location else None
        return path if path and path.is_dir() else None, {"delta_table_name": table}
    path = Path(table).expanduser().resolve()
    return path if path.is_dir() else None, {"path": str(path)}


def _is_name(table: str) -> bool:
    try:
        FullName.parse(table)
    except InvalidArgument:
        return False
    return True


def _look(path: Path | None, version: int | None, table: str) -> tuple[int, str | None]:
    if version is not None and (isinstance(version, bool) or not isinstance(version, int) or version < 0):
        raise ValueError(f"version {version!r} of {table}: a version is a number from 0")
    if path is None:
        if version is None:
            raise ValueError(f"the table {table} cannot be opened from here, so say its version: version=...")
        return version, None
    from pierhead.kit.delta_versions import newest_version, read_version

    facts = read_version(path, newest_version(path) if version is None else version)
    return facts.version, facts.manifest_sha256


def _find_location(table: str) -> str | None:
    """Where the tracking server's catalog says that the table lies; the credentials are those of tracking."""
    from mlflow.tracking import MlflowClient
    from mlflow.utils.rest_utils import http_request

    store = MlflowClient()._tracking_client.store
    if not hasattr(store, "get_host_creds"):
        return None
    answer = http_request(
        host_creds=store.get_host_creds(),
        endpoint=f"/api/2.1/unity-catalog/tables/{quote(table, safe='')}",
        method="GET",
        max_retries=1,
    )
    if answer.status_code == 404:
        raise ValueError(f"there is no table {table}; make it with w.tables.create, or give the folder of the table")
    location = answer.json().get("storage_location") if answer.status_code == 200 else None
    return location.removeprefix("file://") if isinstance(location, str) else None


def _short(table: str | Path) -> str:
    return Path(table).name if isinstance(table, Path) or "/" in table else table


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
