"""What the registry and the endpoints say about the rows of inference tables."""

from collections import OrderedDict

from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.bounded_yaml import MOST_BYTES
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, InvalidState, NotFound
from pierhead.kit.home import Home
from pierhead.kit.signing import load_key, sign
from pierhead.monitoring.domain.signatures import Signature, signature_of
from pierhead.monitoring.services.live.counting import LiveCounts
from pierhead.monitoring.services.rules import Rules
from pierhead.registry.domain.names import version_number
from pierhead.registry.services.versions import Versions
from pierhead.serving.domain.table_tags import TablePolicy, table_policy
from pierhead.serving.store.endpoints import EndpointStore

_REMEMBERED = 1000


class RegistrySignatures:
    """Monitoring's `Signatures`. A version's files never change, so each is read once."""

    def __init__(self, database: Database, clock: Clock, artifacts: ArtifactStore) -> None:
        self._database = database
        self._clock = clock
        self._artifacts = artifacts
        self._known: OrderedDict[tuple[str, str], Signature | None] = OrderedDict()

    def find(self, model_name: str, model_version: str) -> Signature | None:
        key = (model_name, model_version)
        if key not in self._known:
            self._known[key] = self._read(model_name, model_version)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return self._known[key]

    def _read(self, model_name: str, model_version: str) -> Signature | None:
        try:
            with self._database.reading() as connection:
                version = Versions(connection, self._clock).get(model_name, version_number(model_version))
            file = self._artifacts.manifest(version.digest).find("MLmodel")
        except (NotFound, InvalidArgument, InvalidState):
            return None
        if file is None or file.size_bytes > MOST_BYTES:
            return None
        return signature_of(self._artifacts.file(file.sha256).read_bytes())


class EndpointPolicies:
    """Monitoring's `Policies`, from the tags of endpoints."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, endpoint_id: str) -> TablePolicy | None:
        with self._database.reading() as connection:
            endpoint = EndpointStore(connection).find_by_id(endpoint_id)
        return None if endpoint is None else table_policy(endpoint.tags)


def masking_key(home: Home) -> bytes:
    """The secret under which masked values are hashed: the same in every process of an installation."""
    return bytes.fromhex(sign(load_key(home.secret_key), "masked columns of inference tables"))


def inference_rules(database: Database, clock: Clock, home: Home, counts: LiveCounts | None = None) -> Rules:
    signatures = RegistrySignatures(database, clock, ArtifactStore(home.store))
    return Rules(signatures, EndpointPolicies(database), masking_key(home), counts)
