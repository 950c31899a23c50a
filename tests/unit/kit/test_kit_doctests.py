"""Small facts stand in docstrings and are run here, so that they cannot rot."""

import doctest
import importlib
import pkgutil

import pytest

import pierhead

# The worker's boot file and the migrations run only in their own processes.
_NOT_IMPORTABLE = ("pierhead.worker.__main__", "pierhead.migrations.env", "pierhead.migrations.versions")


def _modules() -> list[str]:
    names = [module.name for module in pkgutil.walk_packages(pierhead.__path__, "pierhead.")]
    return [name for name in names if not name.startswith(_NOT_IMPORTABLE) and not name.endswith("__main__")]


@pytest.mark.parametrize("name", _modules())
def test_what_docstrings_show_is_true(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0
