"""`/2.1/unity-catalog/volumes`: what `w.volumes` speaks. Their files go through the file API, under `/Volumes`."""

from typing import Any

from sqlalchemy import Connection

from pierhead.catalog.api import rights
from pierhead.catalog.api.paging import page_json, page_of
from pierhead.catalog.api.read import read_comment
from pierhead.catalog.api.volumes_wire import volume_info
from pierhead.catalog.domain.locations import local_path
from pierhead.catalog.domain.volumes import Volume
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.known_places import KnownPlaces
from pierhead.catalog.services.removals import Removals
from pierhead.catalog.services.volume_tree import asset_of
from pierhead.catalog.services.volumes import Volumes
from pierhead.identity.domain.objects import Action, Kind, Platform
from pierhead.identity.services.access import Access
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call, Routes

_VOLUMES, _VOLUME = "/2.1/unity-catalog/volumes", "/2.1/unity-catalog/volumes/{full_name}"


class VolumeDoors:
    """Handlers for volumes."""

    def __init__(self, grounds: Grounds, removals: Removals, metastore_id: str) -> None:
        self._grounds = grounds
        self._removals = removals
        self._metastore_id = metastore_id

    def add_routes(self, routes: Routes) -> None:
        target = rights.AssetTargets(self._grounds).volume
        creates = rights.needs(Action.CREATE, rights.new_asset(Kind.VOLUME))
        routes.add("POST", _VOLUMES, self.create, guard=creates)
        routes.add("GET", _VOLUMES, self.list_schema, guard=rights.needs_nothing)
        routes.add("GET", _VOLUME, self.get, guard=rights.needs(Action.READ, target))
        routes.add("PATCH", _VOLUME, self.update, guard=rights.needs_as_changed(target))
        routes.add_plain("DELETE", _VOLUME, self.delete, guard=rights.needs(Action.MANAGE, target))

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        location = call.find_text("storage_location")
        match call.text("volume_type"), location:
            case "MANAGED", None | "":
                path = None
            case "MANAGED", _:
                raise InvalidArgument("the platform chooses where a MANAGED volume lies: leave storage_location out")
            case "EXTERNAL", _:
                # It opens a folder of this machine to whoever may read the volume.
                Access(connection, call.caller).require(Action.MANAGE, Platform())
                path = local_path(call.text("storage_location"))
            case other, _:
                raise InvalidArgument(f"volume_type must be MANAGED or EXTERNAL, not {other!r}")
        volumes, name = Volumes(connection, self._grounds), rights.read_new_name(call)
        return self._info(volumes.add(name, path, comment=read_comment(call) or "", by=call.caller.user_name))

    def list_schema(self, call: Call, connection: Connection) -> dict[str, Any]:
        schema, access = rights.read_schema(call), Access(connection, call.caller)
        KnownPlaces(connection, self._grounds).schema(schema)
        found = Volumes(connection, self._grounds).list(schema)
        readable = [volume for volume in found if access.may(Action.READ, asset_of(volume))]
        page, token = page_of(call, readable, lambda volume: volume.full_name.name)
        return page_json("volumes", [self._info(volume) for volume in page], token)

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        return self._info(Volumes(connection, self._grounds).get(FullName.parse(call.text("full_name"))))

    def update(self, call: Call, connection: Connection) -> dict[str, Any]:
        changed = Volumes(connection, self._grounds).update(
            FullName.parse(call.text("full_name")),
            comment=read_comment(call),
            new_name=call.find_text("new_name"),
            owner=call.find_text("owner"),
            by=call.caller.user_name,
        )
        return self._info(changed)

    def delete(self, call: Call) -> None:
        self._removals.delete_volume(FullName.parse(call.text("full_name")))

    def _info(self, volume: Volume) -> dict[str, Any]:
        return volume_info(volume, self._metastore_id)
