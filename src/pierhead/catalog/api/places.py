"""`/2.1/unity-catalog/{catalogs,schemas}`: what `w.catalogs` and `w.schemas` speak."""

from typing import Any

from sqlalchemy import Connection

from pierhead.catalog.api import rights
from pierhead.catalog.api.paging import page_json, page_of
from pierhead.catalog.api.places_wire import (
    NOT_OFFERED_IN_CATALOGS,
    NOT_OFFERED_IN_SCHEMAS,
    catalog_info,
    schema_info,
)
from pierhead.catalog.api.read import read_change, read_draft, refuse_fields
from pierhead.catalog.domain import places
from pierhead.catalog.domain.names import SchemaName, check_part
from pierhead.catalog.services.catalogs import Catalogs
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.known_places import KnownPlaces
from pierhead.catalog.services.ownership import Ownership
from pierhead.catalog.services.removals import Removals
from pierhead.identity.domain.objects import Action, Catalog, Schema
from pierhead.identity.services.access import Access
from pierhead.kit.web.routes import Call, Routes

_CATALOGS, _CATALOG = "/2.1/unity-catalog/catalogs", "/2.1/unity-catalog/catalogs/{name}"
_SCHEMAS, _SCHEMA = "/2.1/unity-catalog/schemas", "/2.1/unity-catalog/schemas/{full_name}"


class CatalogDoors:
    """Handlers for catalogs."""

    def __init__(self, grounds: Grounds, removals: Removals, metastore_id: str) -> None:
        self._grounds = grounds
        self._removals = removals
        self._metastore_id = metastore_id

    def add_routes(self, routes: Routes) -> None:
        routes.add("POST", _CATALOGS, self.create, guard=rights.needs(Action.CREATE, rights.new_catalog))
        routes.add("GET", _CATALOGS, self.list_all, guard=rights.needs_nothing)
        routes.add("GET", _CATALOG, self.get, guard=rights.needs(Action.READ, rights.catalog))
        routes.add("PATCH", _CATALOG, self.update, guard=rights.needs_as_changed(rights.catalog))
        routes.add_plain("DELETE", _CATALOG, self.delete, guard=rights.needs(Action.MANAGE, rights.catalog))

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        refuse_fields(call, NOT_OFFERED_IN_CATALOGS)
        catalogs = Catalogs(connection, self._grounds)
        return self._info(connection, catalogs.create(call.text("name"), read_draft(call), by=call.caller.user_name))

    def list_all(self, call: Call, connection: Connection) -> dict[str, Any]:
        access = Access(connection, call.caller)
        found = KnownPlaces(connection, self._grounds).catalogs()
        readable = [catalog for catalog in found if access.may(Action.READ, Catalog(catalog.name))]
        page, token = page_of(call, readable, lambda catalog: catalog.name)
        owners = Ownership(connection).owners_of([catalog.name for catalog in page])
        infos = [catalog_info(catalog, owners.get(catalog.name), self._metastore_id) for catalog in page]
        return page_json("catalogs", infos, token)

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        return self._info(connection, KnownPlaces(connection, self._grounds).catalog(call.text("name")))

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        refuse_fields(call, NOT_OFFERED_IN_CATALOGS, "OPEN")
        catalogs = Catalogs(connection, self._grounds)
        changed = catalogs.update(call.text("name"), read_change(call), by=call.caller.user_name)
        return self._info(connection, changed)

    def delete(self, call: Call) -> None:
        self._removals.delete_catalog(call.text("name"), force=call.flag("force"))

    def _info(self, connection: Connection, catalog: places.Catalog) -> dict[str, Any]:
        owner = Ownership(connection).owners_of([catalog.name]).get(catalog.name)
        return catalog_info(catalog, owner, self._metastore_id)


class SchemaDoors:
    """Handlers for schemas."""

    def __init__(self, grounds: Grounds, removals: Removals, metastore_id: str) -> None:
        self._grounds = grounds
        self._removals = removals
        self._metastore_id = metastore_id

    def add_routes(self, routes: Routes) -> None:
        routes.add("POST", _SCHEMAS, self.create, guard=rights.needs(Action.CREATE, rights.new_schema))
        routes.add("GET", _SCHEMAS, self.list_all, guard=rights.needs_nothing)
        routes.add("GET", _SCHEMA, self.get, guard=rights.needs(Action.READ, rights.schema))
        routes.add("PATCH", _SCHEMA, self.update, guard=rights.needs_as_changed(rights.schema))
        routes.add_plain("DELETE", _SCHEMA, self.delete, guard=rights.needs(Action.MANAGE, rights.schema))

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        refuse_fields(call, NOT_OFFERED_IN_SCHEMAS)
        name = rights.read_new_schema(call)
        catalogs = Catalogs(connection, self._grounds)
        return self._info(connection, catalogs.create_schema(name, read_draft(call), by=call.caller.user_name))

    def list_all(self, call: Call, connection: Connection) -> dict[str, Any]:
        access, known = Access(connection, call.caller), KnownPlaces(connection, self._grounds)
        catalog = known.catalog(check_part(call.text("catalog_name"), "catalog"))
        names = {schema.full_name: schema for schema in known.schemas(catalog.name)}
        readable = [name for name in names if access.may(Action.READ, Schema(name.catalog, name.name))]
        page, token = page_of(call, readable, lambda name: name.name)
        owners = Ownership(connection).owners_of_schemas(page)
        infos = [schema_info(names[name], owners.get(str(name)), self._metastore_id) for name in page]
        return page_json("schemas", infos, token)

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        name = SchemaName.parse(call.text("full_name"))
        return self._info(connection, KnownPlaces(connection, self._grounds).schema(name))

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        refuse_fields(call, NOT_OFFERED_IN_SCHEMAS)
        name = SchemaName.parse(call.text("full_name"))
        catalogs = Catalogs(connection, self._grounds)
        return self._info(connection, catalogs.update_schema(name, read_change(call), by=call.caller.user_name))

    def delete(self, call: Call) -> None:
        self._removals.delete_schema(SchemaName.parse(call.text("full_name")), force=call.flag("force"))

    def _info(self, connection: Connection, schema: places.Schema) -> dict[str, Any]:
        owner = Ownership(connection).owners_of_schemas([schema.full_name]).get(str(schema.full_name))
        return schema_info(schema, owner, self._metastore_id)
