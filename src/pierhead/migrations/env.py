"""Alembic runs this file for every command; whoever runs the command puts an open connection into the config."""

from alembic import context

from pierhead.migrations.drafting import CONFIGURATION

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    # Only drafting compares with the tables; an upgrade does not load the areas.
    target_metadata=attributes.get("tables"),
    **CONFIGURATION,
)
with context.begin_transaction():
    context.run_migrations()
