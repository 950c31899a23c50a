"""The docs say what is so."""

import re
from pathlib import Path

import pytest

from harness.pages import PAGES, REFERENCE

ROOT = Path(__file__).parents[2]
PAGES_FOR_PEOPLE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_reference_pages_are_what_the_code_says(page: str) -> None:
    assert (REFERENCE / page).read_text() == PAGES[page](), "PYTHONPATH=tests python -m harness.pages writes it anew"


@pytest.mark.parametrize("page", PAGES_FOR_PEOPLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_make_target_that_the_docs_name_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {
        name for page in PAGES_FOR_PEOPLE for name in re.findall(r"\bmake ([a-z]+)\b(?!\w)", _code(page.read_text()))
    }

    assert named <= targets


def _code(text: str) -> str:
    """What stands in code: indented by four, fenced, or between backticks."""
    return "\n".join(re.findall(r"^```[^`].*?^```|^```\n.*?^```|^ {4}[^\n]*$|`[^`\n]+`", text, re.M | re.S))
