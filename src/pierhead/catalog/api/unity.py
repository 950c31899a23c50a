"""All doors of Unity Catalog that are about places and data; those about models are the registry's."""

from pierhead.catalog.api import metastore
from pierhead.catalog.api.places import CatalogDoors, SchemaDoors
from pierhead.catalog.api.tables import TableDoors
from pierhead.catalog.api.volumes import VolumeDoors
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.removals import Removals
from pierhead.kit.db import Database
from pierhead.kit.web.routes import Routes


def add_routes(routes: Routes, database: Database, grounds: Grounds, *, workspace_id: str, metastore_id: str) -> None:
    """`w.catalogs`, `w.schemas`, `w.tables`, `w.volumes`, and the least of `w.metastores`."""
    removals = Removals(database, grounds)
    CatalogDoors(grounds, removals, metastore_id).add_routes(routes)
    SchemaDoors(grounds, removals, metastore_id).add_routes(routes)
    TableDoors(database, grounds, removals, metastore_id).add_routes(routes)
    VolumeDoors(grounds, removals, metastore_id).add_routes(routes)
    metastore.add_routes(routes, workspace_id=workspace_id, metastore_id=metastore_id)
