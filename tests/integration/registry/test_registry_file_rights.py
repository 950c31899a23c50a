"""Who may read and fill the files of versions through the file doors."""

import pytest
from registry_world import ADA, World

from pierhead.catalog.services.mounts import Mount, Mounts
from pierhead.identity.domain.grantees import USERS, group
from pierhead.identity.domain.levels import ROOT
from pierhead.identity.domain.objects import Kind
from pierhead.identity.domain.privileges import METASTORE, Grant, Privilege
from pierhead.identity.store.grants import GrantStore
from pierhead.identity.store.permissions import PermissionStore
from pierhead.kit.errors import InvalidState, NotFound, PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.models import Pending, VersionDraft
from pierhead.registry.services.file_rights import FileRights
from pierhead.registry.services.tree import BY_NAME, BY_PARTS
from pierhead.registry.services.versions import Versions
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.namespaces import ModelNamespaces

ROB = Caller("9", "rob", frozenset())
SAM = Caller("8", "sam", frozenset({"data-scientists"}))


@pytest.fixture
def mounts(world: World) -> Mounts:
    world.register("main.a.b")
    world.register("my model")
    return Mounts(
        {
            "Models": Mount(world.by_parts, FileRights(world.database, BY_PARTS).check),
            "registered-models": Mount(world.by_name, FileRights(world.database, BY_NAME).check),
        }
    )


def _begin(world: World, by: Caller) -> int:
    with world.database.transaction() as connection:
        return Versions(connection, world.clock).add(VersionDraft("main.a.b", "x"), Pending(), by=by).number


def _close_models(world: World) -> None:
    """Take from everybody what they may read by default."""
    with world.database.transaction() as connection:
        PermissionStore(connection).clear(Kind.MODEL, ROOT)
        GrantStore(connection).remove([Grant(METASTORE, group(USERS), Privilege.EXECUTE)])


def test_by_default_everybody_reads_and_nobody_fills_another_s_version(world: World, mounts: Mounts) -> None:
    number = _begin(world, SAM)
    assert mounts.to_read("Models/main/a/b/1/MLmodel", by=ROB).inside == "main/a/b/1/MLmodel"
    assert mounts.to_read("registered-models/my model/1", by=ROB).inside == "my model/1"
    assert mounts.to_read("Models", by=ROB).inside == ""
    for path in (f"Models/main/a/b/{number}/x", "Models/main/a/b/1/MLmodel", f"registered-models/main.a.b/{number}/x"):
        with pytest.raises(PermissionDenied, match="add a version"):
            mounts.to_write(path, by=ROB)


def test_who_began_a_version_fills_it_until_it_is_ready(world: World, mounts: Mounts) -> None:
    path = f"Models/main/a/b/{_begin(world, SAM)}/x"
    place = mounts.to_write(path, by=SAM)
    file = world.folder / "upload"
    file.write_text("x")
    place.tree.adopt(place.inside, file, overwrite=True, by=SAM)
    with pytest.raises(PermissionDenied, match="is being filled by sam"):
        mounts.to_write(path, by=ADA)
    world.register("main.a.b", by=SAM)
    with pytest.raises(PermissionDenied):
        mounts.to_write("Models/main/a/b/3/MLmodel", by=SAM)


def test_files_of_a_ready_version_never_change_whatever_the_rights(world: World, mounts: Mounts) -> None:
    place = mounts.to_write("Models/main/a/b/1/MLmodel", by=ADA)
    with pytest.raises(InvalidState, match="never change"):
        place.tree.delete(place.inside, by=ADA)


def test_where_not_everything_may_be_read_names_are_not_listed(world: World, mounts: Mounts) -> None:
    _close_models(world)
    with world.database.reading() as connection:
        model = ModelStore(connection).find("my model")
    assert model is not None
    for path in (
        "Models/main/a/b/1/MLmodel",
        "Models/main/a/b",
        "Models/main/a",
        "Models",
        "registered-models",
        "registered-models/my model/1/MLmodel",
        f"registered-models/id:{model.id}/1/MLmodel",
    ):
        with pytest.raises(PermissionDenied):
            mounts.to_read(path, by=ROB)
        mounts.to_read(path, by=ADA)


def test_what_does_not_exist_is_not_found_rather_than_denied(mounts: Mounts) -> None:
    place = mounts.to_read("Models/main/a/none/1/MLmodel", by=ROB)
    with pytest.raises(NotFound):
        place.tree.local_file(place.inside)


def test_schemas_that_hold_models_are_told_with_their_first_model(world: World, mounts: Mounts) -> None:
    world.clock.advance(60)
    world.create_model("main.a.second", by="sam")
    world.create_model("other.x.y", by="sam")
    with world.database.reading() as connection:
        found = {str(place.schema): place for place in ModelNamespaces().list(connection)}
        assert sorted(found) == ["main.a", "other.x"]
        assert (found["main.a"].models, found["main.a"].first_by, found["other.x"].first_by) == (2, "ada", "sam")
        assert [str(place.schema) for place in ModelNamespaces().list(connection, "main")] == ["main.a"]
