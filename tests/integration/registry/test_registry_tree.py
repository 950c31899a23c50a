from pathlib import Path

import pytest
from registry_world import ADA, World

from pierhead.kit.errors import AlreadyExists, InvalidArgument, InvalidState, NotFound
from pierhead.kit.files import FileTree
from pierhead.registry.domain.models import Pending, VersionDraft
from pierhead.registry.services.tree import RegistryTree
from pierhead.registry.services.versions import Versions


@pytest.fixture
def filled(world: World) -> World:
    world.register("main.a.b")
    world.register("main.a.b")
    world.register("main.c.d")
    world.register("my model")
    return world


def _begin(world: World) -> str:
    with world.database.transaction() as connection:
        version = Versions(connection, world.clock).add(VersionDraft("main.a.b", "x"), Pending(), by=ADA)
    return f"main/a/b/{version.number}"


def _names(tree: RegistryTree, path: str) -> list[str]:
    return [entry.name for entry in tree.list(path)]


def test_it_is_a_file_tree(world: World) -> None:
    tree: FileTree = world.by_parts
    assert tree.find("") is not None


def test_it_can_be_walked_from_the_root(filled: World) -> None:
    tree = filled.by_parts

    assert _names(tree, "") == ["main"]
    assert _names(tree, "main") == ["a", "c"]
    assert _names(tree, "main/a") == ["b"]
    assert _names(tree, "main/a/b") == ["1", "2"]
    assert _names(tree, "main/a/b/1") == ["MLmodel", "code", "model.pkl"]
    assert [entry.path for entry in tree.list("main/a/b/1/code")] == ["main/a/b/1/code/score.py"]


def test_the_other_layout_has_every_name(filled: World) -> None:
    tree = filled.by_name

    assert _names(tree, "") == ["main.a.b", "main.c.d", "my model"]
    assert _names(tree, "my model/1") == ["MLmodel", "code", "model.pkl"]
    assert tree.local_file("main.a.b/2/code/score.py").read_text() == "x = 1\n"


def test_entries_say_what_they_are(filled: World) -> None:
    file = filled.by_parts.find("main/a/b/1/code/score.py")
    folder = filled.by_parts.find("main/a/b/1/code")
    root = filled.by_parts.find("main/a/b/1")

    assert file is not None
    assert (file.path, file.name, file.is_directory, file.size_bytes) == (
        "main/a/b/1/code/score.py",
        "score.py",
        False,
        6,
    )
    assert file.modified_ms > 0
    assert folder is not None
    assert folder.is_directory
    assert root is not None
    assert root.is_directory


@pytest.mark.parametrize(
    "path",
    [
        "other",
        "main/x",
        "main/a/x",
        "main/a/b/9",
        "main/a/b/01x",
        "main/a/b/99999999999",
        "main/a/b/1/missing",
        "main/a/b/1/MLmodel/below",
        "main/a/b/c/d/e",
    ],
)
def test_what_is_not_there_is_not_found(filled: World, path: str) -> None:
    assert filled.by_parts.find(path) is None
    with pytest.raises(NotFound):
        filled.by_parts.list(path)
    with pytest.raises(NotFound):
        filled.by_parts.local_file(path)


@pytest.mark.parametrize("path", ["main/a/b/1/MLmodel", "main/a/b/1/code/score.py"])
def test_a_file_is_no_directory(filled: World, path: str) -> None:
    with pytest.raises(NotFound):
        filled.by_parts.list(path)


@pytest.mark.parametrize("path", ["main/a/b/1", "main/a/b/1/code", "main/a", ""])
def test_a_directory_is_no_file(filled: World, path: str) -> None:
    with pytest.raises(NotFound):
        filled.by_parts.local_file(path)


def test_a_pending_version_shows_what_came_and_gives_nothing_out(filled: World) -> None:
    root = _begin(filled)
    assert filled.by_parts.list(root) == []
    filled.upload(f"{root}/code/x.py", "x = 1")

    entry = filled.by_parts.find(f"{root}/code/x.py")
    assert entry is not None
    assert (entry.path, entry.size_bytes) == (f"{root}/code/x.py", 5)
    assert [each.path for each in filled.by_parts.list(f"{root}/code")] == [f"{root}/code/x.py"]
    with pytest.raises(InvalidState, match="not READY"):
        filled.by_parts.local_file(f"{root}/code/x.py")


def test_an_upload_can_be_replaced_and_taken_back(filled: World) -> None:
    root = _begin(filled)
    filled.upload(f"{root}/a", "1")
    with pytest.raises(AlreadyExists):
        filled.upload(f"{root}/a", "2", overwrite=False)
    filled.upload(f"{root}/a", "333")
    filled.upload(f"{root}/b", "4")
    filled.by_parts.delete(f"{root}/b", by=ADA)

    assert [(entry.name, entry.size_bytes) for entry in filled.by_parts.list(root)] == [("a", 3)]


@pytest.mark.parametrize("path", ["main/a/b/9/file", "main/a/x/1/file", "main/file", "file"])
def test_there_is_no_room_for_files_outside_pending_versions(filled: World, path: str) -> None:
    with pytest.raises(NotFound):
        filled.upload(path, "x")


def test_a_version_itself_is_no_file(filled: World) -> None:
    with pytest.raises(InvalidArgument):
        filled.upload(_begin(filled), "x")


def test_a_version_can_be_reached_by_the_id_of_its_model(filled: World, tmp_path: Path) -> None:
    model_id = filled.get("my model", 1).model_id

    assert _names(filled.by_name, f"id:{model_id}/1") == ["MLmodel", "code", "model.pkl"]
    assert filled.by_name.local_file(f"id:{model_id}/1/model.pkl").read_text() == "models:/m-1"
    assert filled.by_name.find("id:0123/1") is None
