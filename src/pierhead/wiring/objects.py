"""What rights are about: identity's `Objects`, filled by the areas that keep them."""

from collections.abc import Callable

from sqlalchemy import Connection

from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.known_places import KnownPlaces
from pierhead.catalog.services.tables import Tables
from pierhead.catalog.services.volume_tree import asset_of
from pierhead.catalog.services.volumes import Volumes
from pierhead.identity.domain.objects import Asset, Catalog, Endpoint, Experiment, Kind, Model, Schema, Target
from pierhead.identity.domain.privileges import SecurableType
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.names import FullName
from pierhead.registry.services.rights import target_of as target_of_model
from pierhead.registry.store.models import ModelStore
from pierhead.serving.api.guards import target_of as target_of_endpoint
from pierhead.serving.store.endpoints import EndpointStore
from pierhead.tracking.domain.experiments import experiment_id

FindExperiment = Callable[[str], Experiment | None]
"""By an id in canonical form."""


class AreaObjects:
    """Identity's `Objects`."""

    def __init__(self, grounds: Grounds, find_experiment: FindExperiment) -> None:
        self._grounds = grounds
        self._find_experiment = find_experiment

    def find(self, connection: Connection, kind: Kind, object_id: str) -> Model | Endpoint | None:
        match kind:
            case Kind.MODEL:
                model = ModelStore(connection).find_by_id(object_id)
                return None if model is None else target_of_model(model)
            case Kind.ENDPOINT:
                endpoint = EndpointStore(connection).find_by_id(object_id)
                return None if endpoint is None else target_of_endpoint(endpoint)
        return None

    def find_experiment(self, experiment: str) -> Experiment | None:
        return self._find_experiment(experiment_id(experiment))

    def find_securable(self, connection: Connection, type: SecurableType, full_name: str) -> Target | None:
        try:
            return self._securable(connection, type, full_name)
        except (InvalidArgument, NotFound):
            # A name that cannot be is one that is not.
            return None

    def _securable(self, connection: Connection, type: SecurableType, full_name: str) -> Target | None:
        match type:
            case SecurableType.CATALOG:
                return Catalog(KnownPlaces(connection, self._grounds).catalog(full_name).name)
            case SecurableType.SCHEMA:
                name = KnownPlaces(connection, self._grounds).schema(SchemaName.parse(full_name)).full_name
                return Schema(name.catalog, name.name)
            case SecurableType.MODEL:
                model = ModelStore(connection).find(full_name)
                return None if model is None else target_of_model(model)
            case SecurableType.TABLE:
                table = Tables(connection, self._grounds).get(FullName.parse(full_name))
                place = table.full_name
                return Asset(Kind.TABLE, place.catalog, place.schema, place.name, table.owner)
            case SecurableType.VOLUME:
                return asset_of(Volumes(connection, self._grounds).get(FullName.parse(full_name)))
        return None
