"""Which requests of real life are kept for the gate."""

from collections.abc import Iterable, Sequence

MOST_REQUESTS = 200
MOST_BYTES = 4 * 1024 * 1024
"""Of one version, all together: each is answered by both sides."""


def recent(kept: Sequence[bytes], new: Iterable[bytes]) -> list[bytes]:
    """The last of both, each body once, the oldest first; no more than `MOST_REQUESTS` and `MOST_BYTES`.

    >>> recent([b"1", b"2"], [b"3", b"1"])
    [b'2', b'3', b'1']
    """
    newest_first = dict.fromkeys(reversed([*kept, *new]))
    chosen: list[bytes] = []
    room = MOST_BYTES
    for body in newest_first:
        if len(chosen) == MOST_REQUESTS or len(body) > room:
            break
        chosen.append(body)
        room -= len(body)
    return chosen[::-1]
