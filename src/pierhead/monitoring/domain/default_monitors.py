"""The monitor that the predictions of an endpoint have from the beginning."""

from pierhead.kit.names import FullName
from pierhead.monitoring.domain.monitors import InferenceLogProfile, MonitorDraft, ProblemType, Schedule
from pierhead.monitoring.domain.windows import Granularity

EVERY_QUARTER_HOUR = Schedule("0 0/15 * * * ?", "UTC")
"""Old windows are not computed again, so this costs what came since, and the windows that are still open."""

GRANULARITIES = (Granularity.HOUR, Granularity.DAY)


def default_monitor(requests: FullName, *, is_number: bool) -> MonitorDraft:
    """A classifier's unless predictions are numbers on a scale; compared with each version's training data."""
    problem_type = ProblemType.REGRESSION if is_number else ProblemType.CLASSIFICATION
    return MonitorDraft(
        table=str(requests),
        output_schema=f"{requests.catalog}.{requests.schema}",
        profile=InferenceLogProfile(
            problem_type=problem_type,
            timestamp_column="timestamp",
            granularities=GRANULARITIES,
            prediction_column="prediction",
            model_id_column="model_id",
            label_column="label",
            probability_column="prediction_proba" if problem_type is ProblemType.CLASSIFICATION else None,
        ),
        schedule=EVERY_QUARTER_HOUR,
    )
