"""How revisions are drafted."""

from pathlib import Path
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import Column, MetaData, Table, create_engine

from pierhead.kit.columns import Moment
from pierhead.kit.schema import MIGRATIONS
from pierhead.migrations.drafting import CONFIGURATION, render_item


def test_a_moment_is_drafted_as_the_plain_number_beneath_it() -> None:
    tables = MetaData()
    Table("t", tables, Column("at", Moment, nullable=False))
    options: dict[str, Any] = {**CONFIGURATION, "target_metadata": tables}
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        drafted = produce_migrations(MigrationContext.configure(connection, opts=options), tables)
    engine.dispose()
    assert drafted.upgrade_ops is not None
    code = render_python_code(drafted.upgrade_ops, render_item=render_item)
    assert "sa.Column('at', sa.BigInteger(), nullable=False)" in code


def test_no_revision_depends_on_code_that_may_change() -> None:
    for path in Path(MIGRATIONS, "versions").glob("[0-9]*.py"):
        assert "pierhead" not in path.read_text(), path.name
