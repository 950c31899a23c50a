"""Nobody gets round the audit trail by opening a database or a transaction in another way."""

import re
from pathlib import Path

import pierhead

_ROOT = Path(pierhead.__file__).parent
_GROUND = {"kit/db.py", "kit/schema.py"}


def _sources_with(pattern: str) -> set[str]:
    found = re.compile(pattern)
    return {
        str(path.relative_to(_ROOT)) for path in _ROOT.rglob("*.py") if found.search(path.read_text(encoding="utf-8"))
    }


def test_transactions_are_begun_in_one_place() -> None:
    assert _sources_with(r"\.engine\.(connect|begin)\b") == _GROUND


def test_engines_are_made_in_one_place() -> None:
    assert _sources_with(r"\bcreate_engine\(") == {"kit/db.py"}


def test_every_database_that_is_opened_records() -> None:
    opened = _sources_with(r"\bDatabase\(") - {"kit/db.py"}

    assert opened == {"processes/prepare.py", "wiring/shared.py"}
    assert opened <= _sources_with(r"\bDatabase\(.*\brecording\(")


def test_nobody_commits_but_the_database() -> None:
    assert _sources_with(r"connection\.commit\(") == set()
