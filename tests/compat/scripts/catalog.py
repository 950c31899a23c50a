"""Use catalogs, schemas, tables, volumes and their files with the official client: `catalog.py FOLDER`."""

import io
import json
import sys
from pathlib import Path

import pyarrow as pa
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError
from databricks.sdk.service.catalog import ColumnInfo, ColumnTypeName, DataSourceFormat, TableType, VolumeType
from deltalake import write_deltalake

folder = Path(sys.argv[1])
w = WorkspaceClient()
seen: dict[str, object] = {}

w.catalogs.create("lab", comment="for trials")
w.schemas.create("trials", "lab", properties={"team": "risk"})
seen["catalogs"] = sorted(catalog.name for catalog in w.catalogs.list())
seen["schema"] = w.schemas.get("lab.trials").properties
w.catalogs.update("lab", new_name="plant")

write_deltalake(folder / "theirs", pa.table({"x": [1, 2, 3]}))
w.tables.create("theirs", "plant", "trials", TableType.EXTERNAL, DataSourceFormat.DELTA, (folder / "theirs").as_uri())
columns = [ColumnInfo(name="id", type_name=ColumnTypeName.LONG, type_text="bigint")]
w.tables.create("ours", "plant", "trials", TableType.MANAGED, DataSourceFormat.DELTA, "", columns=columns)
seen["tables"] = [(table.name, table.table_type.value) for table in w.tables.list("plant", "trials")]
seen["columns"] = [column.type_text for column in w.tables.get("plant.trials.theirs").columns]
seen["exists"] = [w.tables.exists(f"plant.trials.{name}").table_exists for name in ("ours", "nothing")]

w.volumes.create("plant", "trials", "files", VolumeType.MANAGED)
root = "/Volumes/plant/trials/files"
w.files.upload(f"{root}/in/a b.txt", io.BytesIO(b"hello"))
large = b"0123456789abcdef" * 4 * 1024 * 1024
w.files.upload(f"{root}/large", io.BytesIO(large))
seen["small"] = w.files.download(f"{root}/in/a b.txt").contents.read().decode()
seen["large"] = w.files.download(f"{root}/large").contents.read() == large
seen["listed"] = [entry.path for entry in w.files.list_directory_contents(root)]
seen["size"] = w.files.get_metadata(f"{root}/large").content_length

refusals = {}
for what, act in {
    "climb": lambda: w.files.download(f"{root}/../../../../secret.key"),
    "rename over a managed table": lambda: w.schemas.update("plant.trials", new_name="other"),
    "delete what is not empty": lambda: w.catalogs.delete("plant"),
    "a table around the home": lambda: w.tables.create(
        "x", "plant", "trials", TableType.EXTERNAL, DataSourceFormat.DELTA, str(folder.parent)
    ),
}.items():
    try:
        act()
        refusals[what] = None
    except DatabricksError as error:
        refusals[what] = type(error).__name__
seen["refusals"] = refusals

w.catalogs.delete("plant", force=True)
seen["left"] = sorted(catalog.name for catalog in w.catalogs.list())
seen["theirs are still there"] = (folder / "theirs" / "_delta_log").is_dir()
print(json.dumps(seen))
