"""Make MLflow's database as an older release left it. Arguments: the file, the revision."""

import sys

import sqlalchemy
from alembic import command
from mlflow.store.db.utils import _get_alembic_config
from mlflow.store.tracking.dbmodels.initial_models import Base

url = f"sqlite:///{sys.argv[1]}"
engine = sqlalchemy.create_engine(url)
Base.metadata.create_all(engine)
config = _get_alembic_config(url)
with engine.begin() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, sys.argv[2])
