from pathlib import Path

import pytest
from pydantic import ValidationError

from pierhead.kit.settings import load


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pierhead.toml").write_text('port = 6001\nhost = "127.0.0.2"\nqueue_limit = 5\n')
    monkeypatch.setenv("PIERHEAD_HOME", str(tmp_path))
    monkeypatch.setenv("PIERHEAD_HOST", "127.0.0.3")

    settings = load(port=6002, gateways=None)

    assert (settings.port, settings.host, settings.queue_limit, settings.gateways) == (6002, "127.0.0.3", 5, 1)


def test_an_unknown_setting_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pierhead.toml").write_text("prot = 6001\n")

    with pytest.raises(ValidationError, match="prot"):
        load(home=tmp_path)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIERHEAD_HOME", "")
    monkeypatch.setenv("PIERHEAD_PORT", "")

    settings = load()

    assert (settings.home, settings.port) == (Path("~/.pierhead").expanduser(), 5050)
