"""All tables of all areas."""

import pkgutil
from importlib import import_module
from importlib.util import find_spec

from sqlalchemy import MetaData

import pierhead
from pierhead.kit.db import metadata


def all_tables() -> MetaData:
    """The metadata after every area has declared its tables; an area keeps them in its `store`."""
    for area in pkgutil.iter_modules(pierhead.__path__):
        name = f"pierhead.{area.name}.store"
        if area.ispkg and find_spec(name) is not None:
            import_module(name)
    return metadata
