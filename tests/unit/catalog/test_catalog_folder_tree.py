"""A folder as a tree of files."""

from pathlib import Path

import pytest

from pierhead.kit.errors import AlreadyExists, InvalidArgument, NotFound
from pierhead.kit.folder_tree import FolderTree, relative_path
from pierhead.kit.web.caller import Caller

ADA = Caller("1", "ada", frozenset())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    return tmp_path / "tree"


@pytest.fixture
def tree(root: Path) -> FolderTree:
    return FolderTree(root)


def _upload(root: Path, text: str) -> Path:
    file = root.parent / "upload"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    "text",
    [
        "../a",
        "a/..",
        "a/../b",
        "a//b",
        "//a",
        "./a",
        "a/%2e%2e/b",
        "%252e%252e",
        "a%2fb",
        "a\\b",
        "a\0",
        "a\nb",
        " ",
        "\udc80",
    ],
)
def test_tricks_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        relative_path(text)


def test_too_long_paths_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="255"):
        relative_path("a" * 256)
    with pytest.raises(InvalidArgument, match="4096"):
        relative_path("/".join(["ab"] * 2000))


def test_an_upload_takes_its_place_and_makes_its_parents(tree: FolderTree, root: Path) -> None:
    upload = _upload(root, "hello")

    tree.adopt("a/b/c.txt", upload, overwrite=False, by=ADA)

    assert tree.local_file("a/b/c.txt").read_text() == "hello"
    assert not upload.exists()
    found = tree.find("a/b/c.txt")
    assert found is not None
    assert (found.name, found.size_bytes, found.is_directory) == ("c.txt", 5, False)


def test_an_existing_file_is_replaced_only_on_demand(tree: FolderTree, root: Path) -> None:
    tree.adopt("a", _upload(root, "old"), overwrite=False, by=ADA)

    with pytest.raises(AlreadyExists):
        tree.adopt("a", _upload(root, "new"), overwrite=False, by=ADA)
    assert tree.local_file("a").read_text() == "old"

    tree.adopt("a", _upload(root, "new"), overwrite=True, by=ADA)
    assert tree.local_file("a").read_text() == "new"


def test_files_and_directories_do_not_take_each_others_place(tree: FolderTree, root: Path) -> None:
    tree.adopt("a/b", _upload(root, "x"), overwrite=True, by=ADA)

    with pytest.raises(InvalidArgument):
        tree.adopt("a", _upload(root, "x"), overwrite=True, by=ADA)
    with pytest.raises(InvalidArgument):
        tree.adopt("a/b/c", _upload(root, "x"), overwrite=True, by=ADA)
    with pytest.raises(InvalidArgument):
        tree.make_directory("a/b", by=ADA)


def test_a_listing_is_sorted_and_one_level_deep(tree: FolderTree, root: Path) -> None:
    for path in ("b/deep/x", "c", "a"):
        tree.adopt(path, _upload(root, "x"), overwrite=True, by=ADA)

    assert [(entry.path, entry.is_directory) for entry in tree.list("")] == [("a", False), ("b", True), ("c", False)]
    assert [entry.path for entry in tree.list("b/deep")] == ["b/deep/x"]


def test_what_is_not_there_is_said_so(tree: FolderTree, root: Path) -> None:
    tree.adopt("file", _upload(root, "x"), overwrite=True, by=ADA)

    assert tree.find("none") is None
    assert tree.find("file/below") is None
    for path in ("none", "file"):
        with pytest.raises(NotFound):
            tree.list(path)
    tree.make_directory("folder", by=ADA)
    for path in ("none", "folder", "file/below"):
        with pytest.raises(NotFound):
            tree.local_file(path)
    with pytest.raises(NotFound):
        tree.delete("none", by=ADA)


def test_a_directory_goes_with_all_in_it_but_never_the_root(tree: FolderTree, root: Path) -> None:
    tree.adopt("a/b/c", _upload(root, "x"), overwrite=True, by=ADA)

    tree.delete("a", by=ADA)

    assert tree.list("") == []
    with pytest.raises(InvalidArgument):
        tree.delete("", by=ADA)


def test_links_that_lead_out_are_not_followed(tree: FolderTree, root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("s")
    (root / "way-out").symlink_to(outside)
    (root / "inside").mkdir()
    (root / "way-in").symlink_to(root / "inside")

    assert [entry.name for entry in tree.list("")] == ["inside", "way-in"]
    for attempt in (tree.find, tree.list, tree.local_file):
        with pytest.raises(InvalidArgument, match="leads out"):
            attempt("way-out/secret")
    with pytest.raises(InvalidArgument):
        tree.adopt("way-out/new", _upload(root, "x"), overwrite=True, by=ADA)
    with pytest.raises(InvalidArgument):
        tree.delete("way-out/secret", by=ADA)
    assert (outside / "secret").exists()
