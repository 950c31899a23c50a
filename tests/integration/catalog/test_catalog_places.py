"""Catalogs and schemas as the official client makes, changes and deletes them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databricks.sdk.errors import (
    InvalidParameterValue,
    InvalidState,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceAlreadyExists,
    ResourceDoesNotExist,
)
from databricks.sdk.service.catalog import CatalogType, SecurableType, VolumeType

from fakes.clock import FixedClock
from integration.catalog.catalog_unity_app import Models, Unity, make_unity
from pierhead.catalog.services import places
from pierhead.catalog.services.places import Places
from pierhead.identity.domain.privileges import SecurableType as Type
from pierhead.identity.services.place_owners import PlaceOwners
from pierhead.kit.db import Database

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def unity(tmp_path: Path, database: Database, clock: FixedClock) -> Iterator[Unity]:
    made = make_unity(tmp_path, database, clock, Models())
    with made.live:
        yield made


def test_main_with_its_schema_default_is_there_from_the_start(unity: Unity) -> None:
    client = unity.client("rob")
    assert [catalog.name for catalog in client.catalogs.list()] == ["main"]
    assert [schema.full_name for schema in client.schemas.list("main")] == ["main.default"]
    assert client.metastores.current().default_catalog_name == "main"


def test_what_was_deleted_does_not_come_back_with_the_next_start(unity: Unity) -> None:
    unity.client("ada").catalogs.delete("main", force=True)
    with unity.database.transaction() as connection:
        places.set_up(connection, unity.grounds)
    assert list(unity.client("ada").catalogs.list()) == []


def test_a_catalog_has_all_fields_that_the_client_knows(unity: Unity, clock: FixedClock) -> None:
    client = unity.client("sam")
    client.catalogs.create("lab", comment="for trials", properties={"team": "risk"})
    clock.advance(60)
    client.catalogs.update("lab", comment="for risks")

    catalog = client.catalogs.get("lab")

    assert (catalog.name, catalog.full_name, catalog.owner) == ("lab", "lab", "sam")
    assert (catalog.catalog_type, catalog.securable_type) == (CatalogType.MANAGED_CATALOG, SecurableType.CATALOG)
    assert (catalog.comment, catalog.properties) == ("for risks", {"team": "risk"})
    assert (catalog.created_by, catalog.updated_by, catalog.metastore_id) == ("sam", "sam", "meta")
    assert (catalog.updated_at or 0) - (catalog.created_at or 0) == 60_000


def test_a_schema_has_all_fields_that_the_client_knows(unity: Unity) -> None:
    client = unity.client("sam")
    client.schemas.create("fraud", "main", comment="cards", properties={"a": "b"})

    schema = client.schemas.get("main.fraud")

    assert (schema.name, schema.catalog_name, schema.full_name) == ("fraud", "main", "main.fraud")
    assert (schema.owner, schema.comment, schema.properties) == ("sam", "cards", {"a": "b"})
    assert schema.catalog_type is CatalogType.MANAGED_CATALOG


def test_lists_come_in_pages(unity: Unity) -> None:
    client = unity.client("sam")
    for number in range(5):
        client.schemas.create(f"s{number}", "main")
    assert [schema.name for schema in client.schemas.list("main", max_results=2)] == [
        "default",
        *(f"s{n}" for n in range(5)),
    ]
    answer = unity.ask("sam", "GET", "/api/2.1/unity-catalog/schemas?catalog_name=main&max_results=2").json()
    assert ([schema["name"] for schema in answer["schemas"]], bool(answer["next_page_token"])) == (
        ["default", "s0"],
        True,
    )
    assert unity.ask("sam", "GET", "/api/2.1/unity-catalog/catalogs?page_token=*").status == 400
    assert unity.ask("sam", "GET", "/api/2.1/unity-catalog/catalogs?max_results=-1").status == 400


def test_names_are_taken_once(unity: Unity) -> None:
    client = unity.client("sam")
    for make in (lambda: client.catalogs.create("main"), lambda: client.schemas.create("default", "main")):
        with pytest.raises(ResourceAlreadyExists):
            make()
    with pytest.raises(ResourceDoesNotExist):
        client.schemas.create("s", "nowhere")
    for name in ("", "a.b", ".dropped", ".."):
        with pytest.raises((InvalidParameterValue, NotFound)):
            client.catalogs.create(name)


def test_what_is_not_offered_is_said_so(unity: Unity) -> None:
    client = unity.client("ada")
    with pytest.raises(NotImplemented, match="storage_root"):
        client.catalogs.create("lab", storage_root="s3://bucket")
    with pytest.raises(NotImplemented, match="share_name"):
        client.catalogs.create("lab", share_name="share")


def test_a_renamed_catalog_takes_schemas_volumes_and_rights_along(unity: Unity) -> None:
    client = unity.client("sam")
    client.catalogs.create("lab")
    client.schemas.create("s", "lab")
    volume = client.volumes.create("lab", "s", "v", VolumeType.MANAGED)
    client.catalogs.update("lab", new_name="plant")

    assert [schema.full_name for schema in client.schemas.list("plant")] == ["plant.s"]
    moved = client.volumes.read("plant.s.v")
    assert (moved.volume_id, moved.storage_location) == (volume.volume_id, volume.storage_location)
    assert (client.catalogs.get("plant").owner, client.schemas.get("plant.s").owner) == ("sam", "sam")
    with pytest.raises(ResourceDoesNotExist):
        client.catalogs.get("lab")


def test_a_renamed_schema_stays_in_its_catalog(unity: Unity) -> None:
    client = unity.client("sam")
    client.schemas.create("s", "main")
    assert client.schemas.update("main.s", new_name="t").full_name == "main.t"
    with pytest.raises(ResourceAlreadyExists):
        client.schemas.update("main.t", new_name="default")
    assert client.schemas.get("main.t").owner == "sam"


def test_nothing_is_renamed_over_models(unity: Unity) -> None:
    client = unity.client("ada")
    unity.models.put("main.fraud", "sam", LONG_AGO, models=2)
    with pytest.raises(InvalidState, match="2 registered models"):
        client.schemas.update("main.fraud", new_name="other")
    with pytest.raises(InvalidState, match="2 registered models"):
        client.catalogs.update("main", new_name="other")


def test_models_are_never_deleted_with_what_holds_them(unity: Unity) -> None:
    client = unity.client("ada")
    unity.models.put("main.fraud", "sam", LONG_AGO)
    for force in (False, True):
        with pytest.raises(InvalidState, match="never deleted"):
            client.schemas.delete("main.fraud", force=force)
        with pytest.raises(InvalidState, match="never deleted"):
            client.catalogs.delete("main", force=force)
    assert client.schemas.get("main.default")


def test_what_is_not_empty_is_deleted_by_force_only(unity: Unity) -> None:
    client = unity.client("sam")
    client.catalogs.create("lab")
    client.schemas.create("s", "lab")
    client.volumes.create("lab", "s", "v", VolumeType.MANAGED)
    with pytest.raises(InvalidState, match=r"1 volume \(lab\.s\.v\)"):
        client.schemas.delete("lab.s")
    with pytest.raises(InvalidState, match=r"1 schema \(lab\.s\)"):
        client.catalogs.delete("lab")

    client.catalogs.delete("lab", force=True)

    assert [catalog.name for catalog in client.catalogs.list()] == ["main"]
    assert [folder.name.split(".")[:3] for folder in (unity.home.volumes / ".dropped").iterdir()] == [["lab", "s", "v"]]


def test_a_new_schema_of_an_old_name_has_none_of_the_old_rights(unity: Unity) -> None:
    unity.client("sam").schemas.create("s", "main")
    unity.client("sam").schemas.delete("main.s")
    unity.client("sue").schemas.create("s", "main")
    assert unity.client("sam").schemas.get("main.s").owner == "sue"
    with pytest.raises(PermissionDenied):
        unity.client("sam").schemas.delete("main.s")


def test_readers_look_and_do_not_touch(unity: Unity) -> None:
    unity.client("sam").catalogs.create("lab")
    client = unity.client("rob")
    assert client.catalogs.get("lab").owner == "sam"
    for forbidden in (
        lambda: client.catalogs.create("mine"),
        lambda: client.schemas.create("mine", "lab"),
        lambda: client.catalogs.update("lab", comment="x"),
        lambda: client.catalogs.update("lab", owner="rob"),
        lambda: client.catalogs.delete("lab"),
        lambda: client.schemas.delete("main.default"),
    ):
        with pytest.raises(PermissionDenied):
            forbidden()


def test_ownership_is_given_away(unity: Unity) -> None:
    unity.client("sam").catalogs.create("lab")
    assert unity.client("sam").catalogs.update("lab", owner="sue").owner == "sue"
    with pytest.raises(PermissionDenied):
        unity.client("sam").catalogs.update("lab", comment="mine?")
    unity.client("sue").catalogs.update("lab", owner="ml-leads")
    with pytest.raises(InvalidParameterValue, match="nobody"):
        unity.client("ada").catalogs.update("lab", owner="nobody")


def test_places_of_models_are_listed_without_a_row_of_their_own(unity: Unity) -> None:
    unity.models.put("old.wine", "sam", LONG_AGO, models=3)
    client = unity.client("rob")
    found = client.catalogs.get("old")
    assert (found.created_by, found.created_at) == ("sam", int(LONG_AGO.timestamp() * 1000))
    assert [schema.full_name for schema in client.schemas.list("old")] == ["old.wine"]
    with pytest.raises(ResourceAlreadyExists):
        unity.client("sam").catalogs.create("old")


def test_a_start_makes_rows_for_a_home_of_an_older_release(unity: Unity) -> None:
    unity.models.put("old.wine", "sam", LONG_AGO)
    unity.models.put("old.beer", "who-is-gone", LONG_AGO)
    with unity.database.transaction() as connection:
        places.set_up(connection, unity.grounds)
    client = unity.client("sam")
    assert (client.schemas.get("old.wine").owner, client.schemas.get("old.beer").owner) == ("sam", "")
    client.schemas.update("old.wine", comment="mine")


def test_whoever_needs_a_schema_first_owns_it_and_its_catalog(unity: Unity) -> None:
    for user in ("sam", "sue"):
        with unity.database.transaction() as connection:
            Places(connection, unity.grounds.clock).ensure("new", "wine", owner=user)
    with unity.database.reading() as connection:
        owners = PlaceOwners(connection)
        assert (owners.find_owner(Type.CATALOG, "new"), owners.find_owner(Type.SCHEMA, "new.wine")) == ("sam", "sam")
