"""What inference tables ask of registered versions and of endpoints."""

import pytest
from registry_world import World

from fakes.serving import FakeModelVersions
from pierhead.kit.home import Home
from pierhead.monitoring.domain.signatures import Kind, Signature
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import EntitySpec, Tag
from pierhead.serving.domain.table_tags import RETENTION, TablePolicy
from pierhead.serving.services.endpoints import Endpoints
from pierhead.wiring.inference import EndpointPolicies, RegistrySignatures, masking_key


def test_a_version_says_what_it_takes_by_its_own_files(world: World) -> None:
    version = world.register("main.fraud.model")
    signatures = RegistrySignatures(world.database, world.clock, world.artifacts)
    assert signatures.find("main.fraud.model", str(version.number)) == Signature((("amount", Kind.DOUBLE),))


@pytest.mark.parametrize(("name", "version"), [("main.fraud.model", "7"), ("main.fraud.none", "1"), ("", "latest")])
def test_a_version_that_is_not_there_says_nothing(world: World, name: str, version: str) -> None:
    world.register("main.fraud.model")
    assert RegistrySignatures(world.database, world.clock, world.artifacts).find(name, version) is None


def test_an_endpoint_says_by_its_tags_how_its_rows_are_kept(world: World) -> None:
    versions = FakeModelVersions(world.folder / "models", ("main.fraud.model", "1"))
    draft = ConfigDraft((EntitySpec("main.fraud.model", "1", workload_size="Small"),), None)
    with world.database.transaction() as connection:
        made = Endpoints(connection, world.clock, versions).create(
            "fraud", draft, creator="ada", tags=(Tag(RETENTION, "7"),)
        )
    policies = EndpointPolicies(world.database)
    assert policies.find(made.id) == TablePolicy(retention_days=7)
    assert policies.find("nobody") is None


def test_the_secret_of_hashes_is_the_installation_s_own(world: World) -> None:
    homes = [Home(world.folder / name) for name in ("one", "other")]
    for home in homes:
        home.create()
    first, second = map(masking_key, homes)
    assert (len(first), first == masking_key(homes[0]), first == second) == (32, True, False)
