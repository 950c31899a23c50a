"""No path from outside leads out of its tree."""

import os
import tempfile
from pathlib import Path
from urllib.parse import quote, unquote

from hypothesis import given
from hypothesis import strategies as st

from pierhead.kit.errors import InvalidArgument
from pierhead.kit.folder_tree import FolderTree, relative_path
from pierhead.kit.web.caller import Caller

_PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["..", ".", "", "/", "//", "%2e%2e", "%2F", "%252e%252e", "..%2f", "\\", "\0", "~", "a", "b c"]
        ),
        st.text(max_size=6),
    ),
    max_size=8,
)
_PATHS = st.one_of(_PIECES.map("/".join), _PIECES.map("".join), st.text(max_size=60))


def _names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def _accepted(text: str) -> str | None:
    try:
        return relative_path(text)
    except InvalidArgument:
        return None


@given(_PATHS)
def test_an_accepted_path_stays_inside_even_if_somebody_decodes_it_again(text: str) -> None:
    path = _accepted(text)
    if path is None:
        return
    for _ in range(5):
        where = os.path.normpath("/root/" + path)
        assert where == "/root" or where.startswith("/root/")
        assert "\0" not in path
        path = unquote(path)


@given(_PATHS)
def test_checking_twice_is_checking_once(text: str) -> None:
    path = _accepted(text)
    if path is not None:
        assert relative_path(path) == path


@given(st.lists(st.text(alphabet="abc é%+&=#?;:@,'(){}[]-_.~", min_size=1, max_size=20), min_size=1, max_size=4))
def test_ordinary_names_are_accepted_as_they_are(parts: list[str]) -> None:
    if any(unquote(part).strip(" ") in ("", ".", "..") for part in parts):
        return
    assert relative_path("/" + "/".join(parts)) == "/".join(parts)
    assert unquote(quote("/".join(parts))) == "/".join(parts)


@given(_PATHS)
def test_a_tree_never_touches_what_lies_beside_it(text: str) -> None:
    path = _accepted(text)
    if not path:
        return
    with tempfile.TemporaryDirectory() as folder:
        beside = Path(folder, "beside")
        beside.write_text("mine")
        root = Path(folder, "root")
        root.mkdir()
        upload = Path(folder, "upload")
        upload.write_text("theirs")

        FolderTree(root).adopt(path, upload, overwrite=True, by=Caller("1", "ada", frozenset()))

        assert _names(Path(folder)) == ["beside", "root"]
        assert beside.read_text() == "mine"
        assert FolderTree(root).local_file(path).read_text() == "theirs"
