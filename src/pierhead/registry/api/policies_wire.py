"""Sets of policies, as our own calls write them. Times are milliseconds since 1970."""

from typing import Any

from pierhead.kit.clock import to_ms
from pierhead.registry.api.oss_wire import without_none
from pierhead.registry.domain.policy_texts import Choice, PolicyText


def policies_json(given: PolicyText, in_use: Choice) -> dict[str, Any]:
    """A revision without its text; who applied it, and when, are left out of what ships with Pierhead."""
    return without_none(
        {
            "name": given.name,
            "revision": given.revision,
            "digest": given.digest,
            "is_in_use": given.name == in_use.name,
            "is_shipped": given.applied_at is None,
            "applied_by": given.applied_by,
            "applied_at": None if given.applied_at is None else to_ms(given.applied_at),
        }
    )


def choice_json(choice: Choice) -> dict[str, Any]:
    return without_none(
        {
            "name": choice.name,
            "chosen_by": choice.chosen_by,
            "chosen_at": None if choice.chosen_at is None else to_ms(choice.chosen_at),
        }
    )
