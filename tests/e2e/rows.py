"""What the inference tables hold, beside what the callers know."""

import time
from collections import Counter
from collections.abc import Collection

from deltalake import DeltaTable

from e2e.traffic import Outcome
from harness.platform import Platform, wait_until

# Long enough for two more rounds of ingestion, in which a copy that was made twice would show.
_LOOK_AGAIN_S = 1.5


def count_rows(platform: Platform, endpoint: str) -> Counter[str]:
    """Rows of an endpoint's table by `client_request_id`."""
    path = platform.home / "tables" / "main" / "e2e" / f"{endpoint}_payload"
    if not DeltaTable.is_deltatable(str(path)):
        return Counter()
    column = DeltaTable(str(path)).to_pyarrow_table(columns=["client_request_id"])
    return Counter(column["client_request_id"].to_pylist())


def check_rows(platform: Platform, endpoint: str, outcomes: Collection[Outcome]) -> None:
    """Each answered request is in the table once, a lost one at most once, and nothing at all is there twice."""
    answered = {outcome.request_id for outcome in outcomes if outcome.status}
    check_ids(platform, endpoint, answered)


def check_ids(platform: Platform, endpoint: str, answered: Collection[str]) -> None:
    """The same for the ids of answered requests."""
    wait_until(
        f"{len(answered)} answered requests are in the table of {endpoint}",
        lambda: set(answered) <= count_rows(platform, endpoint).keys(),
        30,
    )
    time.sleep(_LOOK_AGAIN_S)
    rows = count_rows(platform, endpoint)
    missing = [one for one in answered if one not in rows]
    doubled = {one: count for one, count in rows.items() if count > 1}
    print(f"{endpoint}: {len(answered)} answered, {len(missing)} missing, {len(doubled)} doubled")
    assert (missing, doubled) == ([], {})
