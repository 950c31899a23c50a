"""Samples on their way from gateways to the comparison."""

from pathlib import Path

import msgspec

from pierhead.compile.adapters.sample_files import SampleFiles
from pierhead.compile.ports import Sample


def framed(*fields: object) -> bytes:
    sample = msgspec.msgpack.encode(fields)
    return len(sample).to_bytes(4, "little") + sample


def samples_of(folder: Path) -> SampleFiles:
    return SampleFiles(folder, lambda ids: {entity_id: "a" * 64 for entity_id in ids if entity_id == "e1"})


def test_what_gateways_of_older_releases_wrote_is_read_without_its_artifact(tmp_path: Path) -> None:
    (tmp_path / "e1.g1.msgpack").write_bytes(framed("e1", "3", "application/json", b"{}", b"[1]"))

    assert samples_of(tmp_path).take() == {"a" * 64: [Sample("application/json", b"{}", b"[1]", "")]}


def test_samples_are_taken_once_and_those_of_entities_that_are_gone_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "e1.g1.msgpack").write_bytes(
        framed("e1", "3", "application/json", b"{}", b"[1]", "b0") + b"\x05\0\0\0cut"
    )
    (tmp_path / "e2.g1.msgpack").write_bytes(framed("e2", "3", "application/json", b"{}", b"[2]"))
    samples = samples_of(tmp_path)

    assert samples.take() == {"a" * 64: [Sample("application/json", b"{}", b"[1]", "b0")]}
    assert samples.take() == {}
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_had_taken_before_he_died_does_not_lie_about(tmp_path: Path) -> None:
    (tmp_path / "e1.g1.msgpack.taken").write_bytes(framed("e1", "3", "application/json", b"{}", b"[1]"))

    assert samples_of(tmp_path).take() == {}
    assert list(tmp_path.iterdir()) == []
