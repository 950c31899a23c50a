"""Draft the next revision of the database from the tables: `scripts/new_migration.py "Add alerts"`.

Read what it wrote before you keep it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import Script

from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.schema import MIGRATIONS, migrate, newest_revision
from pierhead.migrations.tables import all_tables


def main(message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(sqlite_url(Path(folder) / "draft.db"))
        migrate(database)
        with database.transaction() as connection:
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            config.attributes.update(connection=connection, tables=all_tables())
            number = f"{int(newest_revision()) + 1:04}"
            script = command.revision(config, message, autogenerate=True, rev_id=number)
        database.dispose()
    assert isinstance(script, Script)
    _tidy(Path(script.path))
    print(script.path)


def _tidy(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.strip().startswith("# ###")))
    for step in (["format"], ["check", "--fix"], ["format"]):
        subprocess.run([sys.executable, "-m", "ruff", *step, "--quiet", path], check=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('usage: scripts/new_migration.py "What changes"')
    main(sys.argv[1])
