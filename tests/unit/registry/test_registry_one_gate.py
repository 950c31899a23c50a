"""Nothing becomes live, or stops being so, except behind the gate: the code itself is asked."""

import re
from pathlib import Path

import pytest

import pierhead

SOURCE = Path(pierhead.__file__).parent
REGISTRY = SOURCE / "registry"


def _who_says(pattern: str) -> set[str]:
    found = re.compile(pattern)
    return {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if path.is_relative_to(REGISTRY) and found.search(path.read_text())
    }


@pytest.mark.parametrize(
    ("pattern", "only"),
    [
        (r"_versions\.set_stage\(", {"registry/services/moves.py"}),
        (r"_models\.(set|delete)_alias\(", {"registry/services/moves.py"}),
        (r"\bMoves\(", {"registry/services/promotion.py"}),
        (r"(models|_models)\.rename\(", {"registry/services/models.py", "registry/services/promotion.py"}),
        (r"_versions\.delete\(", {"registry/services/versions.py", "registry/services/promotion.py"}),
        (r"_models\.delete\(", {"registry/services/models.py", "registry/services/promotion.py"}),
        (
            r"\bPromotions\(",
            {
                "registry/services/promotion.py",
                "registry/services/registration.py",
                # It only asks what would be said.
                "registry/services/policy_trials.py",
                "registry/api/gated.py",
            },
        ),
    ],
)
def test_only_promotions_reaches_what_changes_what_is_live(pattern: str, only: set[str]) -> None:
    assert _who_says(pattern) <= only
