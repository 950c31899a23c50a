import collections
import io
import os
import pickle
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierhead.registry.adapters.scan_streams import PlainStream
from pierhead.registry.domain.pickle_arrays import UnknownArray
from pierhead.registry.domain.pickle_dangers import is_dangerous
from pierhead.registry.domain.pickle_scan import Found, NoPickle, scan_pickles


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> Any:
        return self.reduced


def dangers_of(raw: bytes) -> set[str]:
    found = Found()
    scan_pickles(PlainStream(io.BytesIO(raw)), found)
    return found.dangers


@pytest.mark.parametrize("protocol", range(6))
def test_a_dangerous_call_is_found_in_every_protocol_and_at_every_place(protocol: int) -> None:
    for hidden in (Call(os.system, "true"), {"a": [1, (2, Call(os.system, "true"))]}, partial(os.system, "true")):
        assert dangers_of(pickle.dumps(hidden, protocol)) == {"imports posix.system"}


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_is_harmless(protocol: int) -> None:
    plain = [1, 2.5, None, True, b"x" * 300, "ä" * 10_000, {"k": {1, 2}}, collections.OrderedDict(a=1), 2**2000, 1j]

    assert dangers_of(pickle.dumps([plain, plain, np.arange(5), np.dtype("f8")], protocol)) == set()


@pytest.mark.parametrize(
    "raw",
    [
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93.",  # through the memo
        b"\x80\x04X\x02\x00\x00\x00os\x8d\x06\x00\x00\x00\x00\x00\x00\x00system\x93.",  # long texts
        b"Vos\nVsystem\n\x93.",
        b"S'os'\nS'sys\\x74em'\n\x93.",
        b"V\\u006fs\np0\nVsystem\np1\n0g1\n0g0\ng1\n\x93.",
        b"cos\nsystem\n.",
        b"(ios\nsystem\n.",
        b"(cos\nsystem\nS'true'\no.",
        b"\x80\x04\x8c\x02os2\x8c\x06system\x93.",  # copies of the top
        b"c__builtin__\neval\n.",
        b"clogging\nos.system\n.",
        b"cnumpy\n__builtins__\n.",
        b"c__builtin__\nlist.__class__\n.",
    ],
)
def test_the_many_ways_to_write_a_name_are_followed(raw: bytes) -> None:
    assert any(danger.startswith("imports") for danger in dangers_of(raw))


def test_a_name_that_is_computed_is_a_danger_of_its_own() -> None:
    computed = b"\x80\x04\x8c\x02os" + pickle.dumps(Call(str, "system"), 4)[2:-1] + b"\x93."

    assert dangers_of(computed) == {"imports a name that it computes while it is loaded"}


def test_a_name_by_extension_code_is_a_danger() -> None:
    assert dangers_of(b"\x80\x02\x82\x01.") == {"imports a name by a code that only the loading process knows"}


def test_calling_what_a_call_gave_is_a_danger_and_making_instances_of_classes_is_not() -> None:
    assert dangers_of(b"cfunctools\npartial\n(cbuiltins\nlen\ntR)R.") == {
        "calls what functools.partial gave it while it is loaded"
    }

    class Model:
        def predict(self, rows: Any) -> Any:
            return os.cpu_count()

    assert dangers_of(cloudpickle.dumps(Model())) == set()


def test_what_a_function_brings_along_is_looked_at() -> None:
    import subprocess

    assert dangers_of(cloudpickle.dumps(lambda rows: subprocess.run(rows))) == {
        "brings a function along that uses module subprocess"
    }


def test_arrays_of_joblib_do_not_hide_what_comes_after_them(tmp_path: Path) -> None:
    joblib.dump([np.zeros(1000), np.array([1, "x"], object), np.zeros((3, 4), "U5"), Call(os.system)], tmp_path / "m")

    assert dangers_of((tmp_path / "m").read_bytes()) == {"imports posix.system"}


def test_several_pickles_in_one_file_are_all_scanned() -> None:
    assert dangers_of(pickle.dumps(1) + pickle.dumps(Call(os.system))) == {"imports posix.system"}


@given(st.binary(max_size=200))
def test_no_bytes_make_the_scan_fail_in_another_way_than_it_says(raw: bytes) -> None:
    with suppress(NoPickle, UnknownArray):
        dangers_of(raw)


@given(st.data())
def test_a_damaged_pickle_makes_the_scan_fail_in_no_other_way_either(data: st.DataObject) -> None:
    raw = bytearray(pickle.dumps([{"a": Call(os.system, "x")}, np.arange(3)], data.draw(st.integers(0, 5))))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(NoPickle, UnknownArray):
        dangers_of(bytes(raw))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.ensemble._forest", "RandomForestClassifier"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy.random._pickle", "__generator_ctor"),
        ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"),
        ("_codecs", "encode"),
        ("copy_reg", "_reconstructor"),
        ("__builtin__", "object"),
        ("builtins", "KeyError"),
        ("re", "_compile"),
        ("datetime", "datetime"),
        ("pathlib", "PosixPath"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("xgboost.core", "Booster"),
    ],
)
def test_what_ordinary_models_hold_is_not_dangerous(module: str, name: str) -> None:
    assert not is_dangerous(module, name)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("subprocess", "Popen"),
        ("commands", "getoutput"),
        ("importlib", "import_module"),
        ("torch", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("builtins", "__import__"),
        ("operator", "attrgetter"),
        ("cloudpickle", "loads"),
        ("any.module", "os.system"),
        ("any.module", "Class.__globals__"),
        ("urllib2", "urlopen"),
        ("io", "open"),
    ],
)
def test_what_can_do_harm_is_dangerous(module: str, name: str) -> None:
    assert is_dangerous(module, name)
