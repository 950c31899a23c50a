"""Addresses of folders, from outside."""

from pathlib import Path

import pytest

from pierhead.catalog.domain.locations import local_path, overlap, refuse_taken
from pierhead.kit.errors import AlreadyExists, InvalidArgument


@pytest.mark.parametrize(
    "location", ["/data/t", "file:/data/t", "file:///data/t", "file://localhost/data/t", "FILE:///data/t/"]
)
def test_paths_and_file_uris_name_the_same_folder(location: str) -> None:
    assert local_path(location) == Path("/data/t")


@pytest.mark.parametrize(
    "location",
    [
        "",
        "data/t",
        "s3://bucket/t",
        "abfss://c@a.dfs.core.windows.net/t",
        "dbfs:/t",
        "file://otherhost/t",
        "file:///t?x=1",
        "file:data",
        "/data/\0t",
        "file:///data/%00t",
    ],
)
def test_what_is_not_on_this_machine_is_refused(location: str) -> None:
    with pytest.raises(InvalidArgument):
        local_path(location)


def test_folders_overlap_if_one_lies_in_the_other() -> None:
    assert overlap(Path("/a"), Path("/a"))
    assert overlap(Path("/a"), Path("/a/b/c"))
    assert not overlap(Path("/a/b"), Path("/a/c"))


def test_a_folder_that_somebody_has_is_refused_by_its_owner_s_name() -> None:
    with pytest.raises(AlreadyExists, match=r"table 'main\.a\.t'"):
        refuse_taken(Path("/data/t/part"), {"table 'main.a.t'": Path("/data/t")})
    refuse_taken(Path("/data/u"), {"table 'main.a.t'": Path("/data/t")})
