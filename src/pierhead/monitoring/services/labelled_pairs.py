"""Two models on the same requests: a shadow beside what it copies, where the truth is known.

Far fewer labels tell two models apart on the same rows than on rows of their own.
"""

from datetime import datetime, timedelta

from pierhead.monitoring.domain.cohorts import Arm, Cut, Loss, PairCohort
from pierhead.monitoring.services.labelled import LOSSES, Labelled, check_period, read_delays, steps
from pierhead.statistics.sequential.means import Moments

_PAIRS = """
    WITH losses AS (SELECT *, {loss} AS loss FROM labelled WHERE label IS NOT NULL)
    SELECT (epoch_us(p.timestamp) - ?) // ? AS cohort, p.model_name, p.model_version, coalesce(p.route, ''),
        s.model_name, s.model_version, coalesce(s.route, ''), count(*),
        count(*) FILTER (s.is_correct AND NOT p.is_correct), count(*) FILTER (p.is_correct AND NOT s.is_correct),
        count(s.loss - p.loss), avg(s.loss - p.loss), var_pop(s.loss - p.loss) * count(s.loss - p.loss)
    FROM losses p JOIN losses s ON s.request_id = p.request_id AND s.row_index = p.row_index
    WHERE s.is_copy AND NOT p.is_copy GROUP BY ALL ORDER BY ALL
"""


def read_pairs(
    labelled: Labelled,
    payload: str,
    *,
    since: datetime,
    until: datetime,
    width: timedelta,
    now: datetime,
    loss: Loss = Loss.ZERO_ONE,
) -> list[PairCohort]:
    """Pairs whose two predictions are from `since` until before `until`. Raises as `Labelled.cohorts` does."""
    check_period(since, until, width)
    with labelled.querying(payload, since, until) as database:
        delays = read_delays(database)
        found = database.execute(_PAIRS.format(loss=LOSSES[loss]), steps(since, width)).fetchall()
    cohorts, cut = [], Cut(since, until, width, now)
    for number, model, version, route, other_model, other_version, other_route, *counts in found:
        pairs, gained, lost, n, mean, m2 = counts
        champion, shadow = Arm(model, version, route), Arm(other_model, other_version, other_route)
        difference = Moments(n, mean or 0.0, m2 or 0.0)
        cohorts.append(PairCohort(*cut.place(number, delays), champion, shadow, pairs, gained, lost, difference))
    return cohorts
