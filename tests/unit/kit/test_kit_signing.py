import stat
import threading
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pierhead.kit.signing import is_signed, load_key, sign

KEY = b"k" * 32
PARTS = st.lists(st.text(max_size=20), min_size=1, max_size=4)


@given(PARTS, PARTS)
def test_a_signature_opens_only_what_it_was_made_for(signed: list[str], asked: list[str]) -> None:
    assert is_signed(KEY, sign(KEY, *signed), *asked) == (signed == asked)


def test_any_text_may_be_offered_as_a_signature() -> None:
    assert not is_signed(KEY, "ü\udcff", "GET", "/a")


def test_first_starts_at_the_same_time_agree_on_one_private_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(load_key(tmp_path / "key"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
