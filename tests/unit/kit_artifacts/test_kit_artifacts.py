import hashlib
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pierhead.kit.artifacts import ArtifactStore, Manifest, ManifestFile
from pierhead.kit.errors import InternalError, InvalidArgument, NotFound

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return _tree(tmp_path / "model", {"MLmodel": "flavors", "code/a.py": "a = 1", "code/deep/b.py": "b = 2"})


def _tree(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def _check(store: ArtifactStore, digest: str, scratch: Path) -> None:
    """Raises InternalError unless every stored file of the tree is what it was."""
    store.lay_out(digest, scratch / "checked")


def _damage(file: Path, text: str | None) -> None:
    """Give a stored file another content, or take it away."""
    file.chmod(0o644)
    if text is None:
        file.unlink()
    else:
        file.write_text(text)


def _paths(store: ArtifactStore, digest: str) -> list[str]:
    return [file.path for file in store.manifest(digest).files]


def test_a_tree_is_kept_under_the_digest_of_its_manifest(store: ArtifactStore, folder: Path) -> None:
    digest = store.add_tree(folder, NOW)

    assert _paths(store, digest) == ["MLmodel", "code/a.py", "code/deep/b.py"]
    file = store.manifest(digest).find("code/a.py")
    assert file == ManifestFile("code/a.py", 5, hashlib.sha256(b"a = 1").hexdigest())
    assert store.file(file.sha256).read_text() == "a = 1"


def test_the_same_files_have_the_same_digest_wherever_they_come_from(store: ArtifactStore, tmp_path: Path) -> None:
    first = store.add_tree(_tree(tmp_path / "one", {"a": "1", "b/c": "2"}), NOW)
    second = store.add_tree(_tree(tmp_path / "two", {"b/c": "2", "a": "1"}), NOW)
    other = store.add_tree(_tree(tmp_path / "three", {"a": "1", "b/d": "2"}), NOW)

    assert first == second
    assert other != first


def test_editing_the_source_later_changes_nothing(store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    digest = store.add_tree(folder, NOW)
    with (folder / "MLmodel").open("r+") as file:
        file.write("EDITED!")

    file = store.manifest(digest).find("MLmodel")
    assert file is not None
    assert store.file(file.sha256).read_text() == "flavors"
    _check(store, digest, tmp_path)


def test_what_is_stored_is_read_only(store: ArtifactStore, folder: Path) -> None:
    digest = store.add_tree(folder, NOW)

    assert store.file(digest).stat().st_mode & 0o222 == 0


def test_a_link_inside_the_folder_is_stored_as_the_file_it_means(store: ArtifactStore, folder: Path) -> None:
    (folder / "code" / "link").symlink_to("../MLmodel")

    file = store.manifest(store.add_tree(folder, NOW)).find("code/link")

    assert file is not None
    assert store.file(file.sha256).read_text() == "flavors"


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "missing", "code"])
def test_a_link_that_leads_out_or_to_no_file_is_refused(store: ArtifactStore, folder: Path, target: str) -> None:
    (folder.parent / "secret").write_text("s")
    (folder / "link").symlink_to(target)

    with pytest.raises(InvalidArgument, match="link"):
        store.add_tree(folder, NOW)


def test_a_pipe_is_refused(store: ArtifactStore, folder: Path) -> None:
    os.mkfifo(folder / "pipe")

    with pytest.raises(InvalidArgument, match="'pipe' is neither a file nor a directory"):
        store.add_tree(folder, NOW)


def test_a_name_that_is_no_text_is_refused(store: ArtifactStore, folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_text("x")

    with pytest.raises(InvalidArgument, match="not UTF-8"):
        store.add_tree(folder, NOW)


def test_a_folder_that_does_not_exist_is_refused(store: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="no folder"):
        store.add_tree(tmp_path / "nowhere", NOW)


def test_nothing_is_left_of_a_tree_that_was_refused(store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(InvalidArgument):
        store.add_tree(folder, NOW)

    drafts = tmp_path / "store" / "drafts"
    assert not drafts.exists() or list(drafts.iterdir()) == []


def test_a_damaged_manifest_is_never_read(tmp_path: Path, folder: Path) -> None:
    digest = ArtifactStore(tmp_path / "store").add_tree(folder, NOW)
    store = ArtifactStore(tmp_path / "store")
    store.file(digest).chmod(0o644)
    store.file(digest).write_text('{"files":[]}')

    with pytest.raises(InternalError, match="manifest"):
        store.manifest(digest)


@pytest.mark.parametrize("damage", ["a", "a = 2", None])
def test_a_damaged_file_is_replaced_when_its_content_comes_again(
    store: ArtifactStore, folder: Path, tmp_path: Path, damage: str | None
) -> None:
    digest = store.add_tree(folder, NOW)
    _damage(store.file(hashlib.sha256(b"a = 1").hexdigest()), damage)

    assert store.add_tree(folder, NOW) == digest
    _check(store, digest, tmp_path)


@pytest.mark.parametrize("digest", ["0" * 64, "../../etc/passwd", "", "A" * 64])
def test_what_is_not_there_is_not_found(store: ArtifactStore, digest: str) -> None:
    with pytest.raises(NotFound):
        store.file(digest)
    with pytest.raises(NotFound):
        store.manifest(digest)


def test_a_file_is_no_manifest(store: ArtifactStore, tmp_path: Path) -> None:
    store.add_tree(_tree(tmp_path / "one", {"file": "content"}), NOW)

    with pytest.raises(NotFound, match="no manifest"):
        store.manifest(hashlib.sha256(b"content").hexdigest())


def test_a_tree_is_laid_out_for_reading(store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    digest = store.add_tree(folder, NOW)

    laid = store.lay_out(digest, tmp_path / "models")

    assert laid == tmp_path / "models" / digest
    assert (laid / "code" / "deep" / "b.py").read_text() == "b = 2"
    assert (laid / "MLmodel").stat().st_mode & 0o222 == 0
    assert [path.name for path in (tmp_path / "models").iterdir()] == [digest]


def test_whoever_writes_into_a_laid_out_tree_changes_nothing_that_is_stored(
    store: ArtifactStore, folder: Path, tmp_path: Path
) -> None:
    digest = store.add_tree(folder, NOW)
    file = store.lay_out(digest, tmp_path / "models") / "MLmodel"

    file.chmod(0o644)
    with file.open("r+") as opened:
        opened.write("EDITED!")

    _check(store, digest, tmp_path)
    assert store.lay_out(digest, tmp_path / "elsewhere").joinpath("MLmodel").read_text() == "flavors"


def test_a_tree_that_is_laid_out_is_used_again(store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    digest = store.add_tree(folder, NOW)
    laid = store.lay_out(digest, tmp_path / "models")
    before = laid.stat().st_ino

    assert store.lay_out(digest, tmp_path / "models").stat().st_ino == before


@pytest.mark.parametrize("damage", ["a", "a = 2", None])
def test_a_tree_with_a_damaged_file_is_not_laid_out(
    store: ArtifactStore, folder: Path, tmp_path: Path, damage: str | None
) -> None:
    digest = store.add_tree(folder, NOW)
    name = hashlib.sha256(b"a = 1").hexdigest()
    _damage(store.file(name), damage)

    with pytest.raises(InternalError, match=rf"code/a\.py .*{name}"):
        store.lay_out(digest, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_drafts_of_the_dead_are_swept_and_those_of_the_living_spared(
    store: ArtifactStore, folder: Path, tmp_path: Path
) -> None:
    digest = store.add_tree(folder, NOW)
    models, drafts = tmp_path / "models", tmp_path / "store" / "drafts"
    laid = store.lay_out(digest, models)
    _tree(models / f".{digest}.0123", {"MLmodel": "half"})
    _tree(models / f".{digest}.4567", {"MLmodel": "half"})
    (drafts / "old").write_text("half")
    (drafts / "new").write_text("half")
    for path in (laid, models / f".{digest}.0123", drafts / "old"):
        os.utime(path, (NOW.timestamp() - 1,) * 2)
    for path in (models / f".{digest}.4567", drafts / "new"):
        os.utime(path, (NOW.timestamp() + 1,) * 2)

    store.sweep(models, before=NOW)

    assert {path.name for path in models.iterdir()} == {digest, f".{digest}.4567"}
    assert [path.name for path in drafts.iterdir()] == ["new"]
    _check(store, digest, tmp_path)


def test_there_may_be_nothing_to_sweep(tmp_path: Path) -> None:
    ArtifactStore(tmp_path / "nowhere").sweep(tmp_path / "models", before=NOW)


def test_many_at_once_agree_on_one_tree(store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    seen: list[Path] = []

    def work() -> None:
        seen.append(store.lay_out(store.add_tree(folder, NOW), tmp_path / "models"))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 6
    assert len(set(seen)) == 1
    assert [path.name for path in (tmp_path / "models").iterdir()] == [seen[0].name]
    assert list((tmp_path / "store" / "drafts").iterdir()) == []


def test_a_manifest_knows_its_directories() -> None:
    manifest = Manifest([ManifestFile("a/b/c", 1, "0"), ManifestFile("a/d", 2, "1"), ManifestFile("e", 3, "2")])

    assert sorted(manifest.find_directory("") or {}) == ["a", "e"]
    assert manifest.find_directory("a") == {"b": None, "d": ManifestFile("a/d", 2, "1")}
    assert manifest.find_directory("e") is None
    assert manifest.find("a") is None
    assert manifest.find("a/b/c") == ManifestFile("a/b/c", 1, "0")
