import json
import os
import pickle
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from pierhead.registry.adapters.scan_process import ScanProcess
from pierhead.registry.domain.gate import Scan


class Call:
    """Pickles as a call of a function; `module` level, as every pickle of joblib wants it."""

    def __reduce__(self) -> Any:
        return (os.system, ("true",))


SCANNER = ScanProcess(patience_s=20)


def scan(path: Path, name: str | None = None) -> Scan:
    return SCANNER.scan([(path, name or path.name)])


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    rows = np.random.default_rng(0).random((50, 3))
    return RandomForestClassifier(5).fit(rows, rows[:, 0] > 0.5)


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_pickles_are_found_however_they_are_packed(tmp_path: Path, forest: Any, compress: Any) -> None:
    joblib.dump(forest, tmp_path / "good", compress=compress)
    joblib.dump([forest, Call()], tmp_path / "bad", compress=compress)

    assert (scan(tmp_path / "good"), scan(tmp_path / "bad")) == (Scan(1, ()), Scan(1, ("bad imports posix.system",)))


def test_archives_are_looked_into(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as inner:
        inner.writestr("archive/data.pkl", pickle.dumps(Call()))
        inner.writestr("archive/data/0", b"\x80\x02" + bytes(range(256)))
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as outer:
        outer.write(tmp_path / "inner.zip", "a/inner.bin")

    assert scan(tmp_path / "model.pt") == Scan(1, ("model.pt:a/inner.bin:archive/data.pkl imports posix.system",))


def test_code_of_the_models_own_and_what_nobody_can_look_into_are_told(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("import os\n")
    with tarfile.open(tmp_path / "model.pth", "w") as archive:
        (tmp_path / "data.pkl").write_bytes(pickle.dumps(Call()))
        archive.add(tmp_path / "data.pkl", "data.pkl")

    assert scan(tmp_path / "model.py").dangers == ("model.py is Python code of the model's own, which loading may run",)
    assert scan(tmp_path / "model.pth").dangers == ("model.pth is a tar archive, which cannot be looked into",)


def test_arrays_of_objects_are_pickles_and_other_arrays_are_not(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", plain=np.zeros(3), objects=np.array([Call()], object))
    np.save(tmp_path / "b.npy", np.zeros(3))

    assert scan(tmp_path / "a.npz") == Scan(1, ("a.npz:objects.npy imports posix.system",))
    assert scan(tmp_path / "b.npy") == Scan(0, ())


def test_names_in_a_file_of_skops_are_looked_at(tmp_path: Path) -> None:
    schema = {"content": [{"__module__": "builtins", "__class__": "eval"}], "__module__": "sklearn", "__class__": "X"}
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))

    assert scan(tmp_path / "model.skops").dangers == ("model.skops:schema.json imports builtins.eval",)


def test_a_pickle_under_an_innocent_name_is_found_and_texts_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    (tmp_path / "conda.yaml").write_text("channels:\n- conda-forge\n")

    assert scan(tmp_path / "notes.txt").dangers == ("notes.txt imports os.system",)
    assert scan(tmp_path / "conda.yaml") == Scan(0, ())


def test_an_early_danger_is_told_even_if_the_rest_is_broken(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Call())[:-1])

    assert scan(tmp_path / "a.pkl").dangers == (
        "a.pkl cannot be scanned to its end: it ends in the middle",
        "a.pkl imports posix.system",
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"x",
        b"\x80\x04\x8b\xff\xff\xff\x7f",
        b"\x80\x04]" + b"r\xff\xff\xff\xff" * 1000,
        b"(" * 1_000_000,
        b"I" + b"9" * 5_000_000,
    ],
)
def test_a_hostile_pickle_costs_little(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.pkl").write_bytes(raw)
    started = time.monotonic()

    assert scan(tmp_path / "a.pkl").dangers[0].startswith("a.pkl cannot be scanned to its end")
    assert time.monotonic() - started < 10


def test_endless_work_is_ended_and_the_files_before_it_are_answered(tmp_path: Path) -> None:
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps(Call()))
    (tmp_path / "long.pkl").write_bytes(b"N0" * 20_000_000)
    files = [(tmp_path / name, name) for name in ("bad.pkl", "long.pkl", "bad.pkl")]

    assert ScanProcess(patience_s=2).scan(files) == Scan(
        1, ("bad.pkl imports posix.system", "long.pkl cannot be scanned within 2 s")
    )


def test_memory_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "wide.pkl").write_bytes(b"}" * 3_000_000)

    found = ScanProcess(patience_s=60, memory_bytes=64 * 2**20).scan([(tmp_path / "wide.pkl", "wide.pkl")])

    assert found.dangers == ("wide.pkl cannot be scanned: it takes more than 64 MiB of memory",)


def test_an_archive_that_unpacks_to_very_much_is_ended(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.pkl", "w") as file,
    ):
        file.write(b"\x80\x04\x8e" + (2**40).to_bytes(8, "little"))
        for _ in range(30):
            file.write(bytes(10 * 2**20))

    started = time.monotonic()
    found = ScanProcess(patience_s=30).scan([(tmp_path / "bomb.zip", "bomb.zip")])

    assert found.dangers == ("bomb.zip:a.pkl cannot be scanned to its end: it ends in the middle",)
    assert time.monotonic() - started < 30
