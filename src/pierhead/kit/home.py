"""Where things lie in a home folder."""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

# A unix socket's path may be at most 107 bytes long; ours add at most 50 to the run folder.
_LONGEST_RUN_FOLDER = 57


class ForeignFolder(PermissionError):
    """Where our folder should be, somebody else's is."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds all state of one installation."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "pierhead.db"

    @property
    def tracking_database(self) -> Path:
        """MLflow's own database, written by the tracking server alone."""
        return self.root / "mlflow.db"

    @property
    def admin_token(self) -> Path:
        return self.root / "admin-token"

    @property
    def secret_key(self) -> Path:
        """The key that signs the addresses of uploads and downloads."""
        return self.root / "secret.key"

    @property
    def audit(self) -> Path:
        """The audit trail's checkpoints, and the key that signs them."""
        return self.root / "audit"

    @property
    def artifacts(self) -> Path:
        """Run and logged-model artifacts: `EXPERIMENT/RUN/artifacts`, `EXPERIMENT/models/ID/artifacts`."""
        return self.root / "artifacts"

    @property
    def store(self) -> Path:
        """Files of registered versions, named by their digest."""
        return self.root / "store"

    @property
    def uploads(self) -> Path:
        """Unfinished uploads."""
        return self.root / "uploads"

    @property
    def pending(self) -> Path:
        """Files of versions that are still being uploaded: `VERSION_ID/`."""
        return self.root / "pending"

    @property
    def models(self) -> Path:
        """Model folders laid out for workers, one per manifest digest."""
        return self.root / "models"

    @property
    def compiled(self) -> Path:
        """Compiled artifacts laid out for workers, one per manifest digest."""
        return self.root / "compiled"

    @property
    def compile_jobs(self) -> Path:
        """Working folders of compile jobs."""
        return self.root / "compile"

    @property
    def samples(self) -> Path:
        """Invocations of compiled versions that gateways keep to be compared with the original."""
        return self.run / "samples"

    @property
    def environments(self) -> Path:
        """Python environments of served versions, one per digest of their requirements."""
        return self.root / "envs"

    @property
    def tables(self) -> Path:
        """Delta tables: `CATALOG/SCHEMA/TABLE`."""
        return self.root / "tables"

    @property
    def volumes(self) -> Path:
        """Files of managed volumes: `CATALOG/SCHEMA/VOLUME`."""
        return self.root / "volumes"

    @property
    def spool(self) -> Path:
        """Inference records on their way into tables: `CATALOG.SCHEMA.TABLE/STREAM/`."""
        return self.root / "spool"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Sockets, locks and the routing snapshot; a short folder elsewhere if the home's own path is too long."""
        inside = self.root / "run"
        if len(os.fsencode(inside)) <= _LONGEST_RUN_FOLDER:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root.resolve())).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"pierhead-{os.getuid()}-{digest}"

    @property
    def snapshot(self) -> Path:
        """The routing snapshot that gateways follow."""
        return self.run / "routes.json"

    @property
    def worker_records(self) -> Path:
        """One JSON file for each worker process: what it is, its process id and when it started."""
        return self.run / "workers"

    @property
    def api_socket(self) -> Path:
        return self.run / "api.sock"

    @property
    def tracking_socket(self) -> Path:
        return self.run / "tracking.sock"

    def create(self) -> None:
        """Make the folders, open to their owner alone.

        Raises OSError if the place cannot be written, ForeignFolder if the run folder is not ours.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        _close_to_others(self.root)
        for folder in (self.artifacts, self.store, self.uploads, self.pending, self.models, self.environments):
            folder.mkdir(exist_ok=True)
        for folder in (self.compiled, self.compile_jobs):
            folder.mkdir(exist_ok=True)
        for folder in (self.tables, self.volumes, self.spool, self.logs, self.logs / "workers"):
            folder.mkdir(exist_ok=True)
        self.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.check_run()
        self.run.chmod(0o700)
        self.worker_records.mkdir(exist_ok=True)
        self.samples.mkdir(exist_ok=True)

    def check_run(self) -> None:
        """Raises ForeignFolder if somebody else holds the place of the run folder; harmless if there is none.

        In the folder for temporary files anybody may put something under the name that we will look for, and with it
        an address of their own that tokens would be sent to.
        """
        if self.run.parent == self.root:
            return
        try:
            found = self.run.lstat()
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise ForeignFolder(
                f"{self.run} is not a folder of this user, so that the sockets of home {self.root} cannot lie there: "
                "remove it, or choose a --home with a shorter path"
            )


def _close_to_others(folder: Path) -> None:
    """Take a folder's group and other users out, if it is ours; one that all users share, like /tmp, stays as it is."""
    found = folder.stat()
    if found.st_uid == os.getuid() and found.st_mode & 0o077 and not found.st_mode & stat.S_ISVTX:
        folder.chmod(0o700)
