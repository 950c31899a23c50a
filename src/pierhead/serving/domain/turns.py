"""Which workers start now when many are wanted at once."""

from collections import Counter
from collections.abc import Sequence

from pierhead.serving.domain.reconcile import Action, StartWorker


def in_turn(actions: Sequence[Action], starts: int) -> list[Action]:
    """The same actions in the same order with no more than so many starts; the others come with a later step.

    Each endpoint's first start goes before anybody's second.
    """
    places = [place for place, action in enumerate(actions) if isinstance(action, StartWorker)]
    if len(places) <= starts:
        return list(actions)
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, int]] = []
    for place in places:
        action = actions[place]
        if isinstance(action, StartWorker):
            ranked.append((seen[action.endpoint_id], place))
            seen[action.endpoint_id] += 1
    dropped = {place for _, place in sorted(ranked)[starts:]}
    return [action for place, action in enumerate(actions) if place not in dropped]
