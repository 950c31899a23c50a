"""The columns of the two metric tables: Databricks' in Databricks' order and types, then the owner's, then ours."""

from typing import Final

import pyarrow as pa

from pierhead.monitoring.domain.monitors import (
    CustomMetricType,
    InferenceLogProfile,
    Monitor,
    MonitorDraft,
    ProblemType,
)
from pierhead.monitoring.services.spark_types import arrow_type

_INSTANT = pa.timestamp("us", tz="UTC")
_BIGINT, _DOUBLE, _STRING = pa.int64(), pa.float64(), pa.string()

WINDOW: Final = pa.struct([("start", _INSTANT), ("end", _INSTANT)])
_TEST = pa.struct([("statistic", _DOUBLE), ("pvalue", _DOUBLE)])
_BY_CLASS = pa.struct([("one_vs_all", pa.map_(_STRING, _DOUBLE)), ("macro", _DOUBLE), ("weighted", _DOUBLE)])
_FREQUENT = pa.list_(pa.struct([("item", _STRING), ("count", _BIGINT)]))
HISTOGRAM: Final = pa.struct([("edges", pa.list_(_DOUBLE)), ("counts", pa.list_(_BIGINT))])
_CONFUSION = pa.list_(pa.struct([("prediction", _STRING), ("label", _STRING), ("count", _BIGINT)]))

PROFILE_FIRST: Final = pa.schema(
    [
        ("window", WINDOW),
        ("log_type", _STRING),
        ("logging_table_commit_version", pa.int32()),
        ("monitor_version", _BIGINT),
        ("granularity", _STRING),
        ("slice_key", _STRING),
        ("slice_value", _STRING),
        ("column_name", _STRING),
        ("count", _BIGINT),
        ("data_type", _STRING),
        ("num_nulls", _BIGINT),
        ("avg", _DOUBLE),
        ("quantiles", pa.list_(_DOUBLE)),
        ("min", _DOUBLE),
        ("max", _DOUBLE),
        ("stddev", _DOUBLE),
        ("num_zeros", _BIGINT),
        ("num_nan", _BIGINT),
        ("min_length", _DOUBLE),
        ("max_length", _DOUBLE),
        ("avg_length", _DOUBLE),
        ("non_null_columns", pa.list_(_STRING)),
        ("frequent_items", _FREQUENT),
        ("median", _DOUBLE),
        ("distinct_count", _BIGINT),
        ("percent_nan", _DOUBLE),
        ("percent_null", _DOUBLE),
        ("percent_zeros", _DOUBLE),
        ("percent_distinct", _DOUBLE),
    ]
)
"""Counts are of rows of the cell; percents are 0-100 of `count`. `quantiles` are those at 0, 0.01 ... 1."""

DRIFT_FIRST: Final = pa.schema(
    [
        ("window", WINDOW),
        ("granularity", _STRING),
        ("monitor_version", _BIGINT),
        ("slice_key", _STRING),
        ("slice_value", _STRING),
        ("column_name", _STRING),
        ("data_type", _STRING),
        ("window_cmp", WINDOW),
        ("drift_type", _STRING),
        ("count_delta", _BIGINT),
        ("avg_delta", _DOUBLE),
        ("percent_null_delta", _DOUBLE),
        ("percent_zeros_delta", _DOUBLE),
        ("percent_distinct_delta", _DOUBLE),
        ("non_null_columns_delta", pa.struct([("added", pa.int32()), ("missing", pa.int32())])),
        ("js_distance", _DOUBLE),
        ("ks_test", _TEST),
        ("wasserstein_distance", _DOUBLE),
        ("population_stability_index", _DOUBLE),
        ("chi_squared_test", _TEST),
        ("tv_distance", _DOUBLE),
        ("l_infinity_distance", _DOUBLE),
    ]
)
"""Deltas are current - compared."""

_CLASSIFICATION = [
    ("accuracy_score", _DOUBLE),
    ("confusion_matrix", _CONFUSION),
    ("precision", _BY_CLASS),
    ("recall", _BY_CLASS),
    ("f1_score", _BY_CLASS),
    ("roc_auc_score", pa.struct([("one_vs_one", pa.struct([("weighted", _DOUBLE)]))])),
    ("log_loss", _DOUBLE),
]
_REGRESSION = [
    ("mean_squared_error", _DOUBLE),
    ("root_mean_squared_error", _DOUBLE),
    ("mean_average_error", _DOUBLE),
    ("mean_absolute_percentage_error", _DOUBLE),
    ("r2_score", _DOUBLE),
]
# Of the metrics above, at 95 percent, by the name of their column.
_INTERVALS = [
    ("quality_intervals", pa.list_(pa.struct([("metric", _STRING), ("low", _DOUBLE), ("high", _DOUBLE)]))),
]
# Estimates without labels have a name that says so, and decide nothing.
_ESTIMATED = [
    ("estimated_accuracy_score", _DOUBLE),
    ("estimated_roc_auc_score", _DOUBLE),
    ("estimated_n", _BIGINT),
    ("estimate_method", _STRING),
]
_PROFILE_OURS = [
    # Values that took part, neither null nor NaN; on ':table' rows all rows.
    ("n", _BIGINT),
    ("labelled_count", _BIGINT),
    ("label_coverage", _DOUBLE),
    ("histogram", HISTOGRAM),
    ("computed_at", _INSTANT),
    ("data_version_from", _BIGINT),
    ("data_version_to", _BIGINT),
    ("refresh_id", _BIGINT),
]
_DRIFT_OURS = [
    ("n_cur", _BIGINT),
    ("n_cmp", _BIGINT),
    ("hellinger", _DOUBLE),
    ("wasserstein_scaled", _DOUBLE),
    ("new_category_share", _DOUBLE),
    ("effect_threshold", _DOUBLE),
    ("null_bound", _DOUBLE),
    ("p_adjusted", _DOUBLE),
    ("drifted", pa.bool_()),
    ("level", _STRING),
    ("method_spec", _STRING),
    ("baseline_table", _STRING),
    ("baseline_version", _BIGINT),
    ("computed_at", _INSTANT),
    ("refresh_id", _BIGINT),
]


def profile_schema(monitor: Monitor | MonitorDraft) -> pa.Schema:
    """The columns of a monitor's profile table."""
    fields = list(PROFILE_FIRST)
    profile = monitor.profile
    if isinstance(profile, InferenceLogProfile):
        fields.append(pa.field(profile.model_id_column, _STRING))
        is_regression = profile.problem_type is ProblemType.REGRESSION
        fields += [pa.field(*each) for each in (_REGRESSION if is_regression else _CLASSIFICATION)]
    own = [metric for metric in monitor.custom_metrics if metric.type is not CustomMetricType.DRIFT]
    fields += [pa.field(metric.name, arrow_type(metric.output_data_type)) for metric in own]
    fields += [pa.field(*each) for each in _PROFILE_OURS]
    if isinstance(profile, InferenceLogProfile):
        fields += [pa.field(*each) for each in _INTERVALS]
    if isinstance(profile, InferenceLogProfile) and profile.problem_type is ProblemType.CLASSIFICATION:
        fields += [pa.field(*each) for each in _ESTIMATED]
    return pa.schema(fields)


def drift_schema(monitor: Monitor) -> pa.Schema:
    """The columns of a monitor's drift table."""
    fields = list(DRIFT_FIRST)
    if isinstance(monitor.profile, InferenceLogProfile):
        fields.append(pa.field(monitor.profile.model_id_column, _STRING))
    own = [metric for metric in monitor.custom_metrics if metric.type is CustomMetricType.DRIFT]
    fields += [pa.field(metric.name, arrow_type(metric.output_data_type)) for metric in own]
    return pa.schema([*fields, *(pa.field(*each) for each in _DRIFT_OURS)])


RESERVED: Final = frozenset(
    name.lower()
    for name in (
        *PROFILE_FIRST.names,
        *DRIFT_FIRST.names,
        *(name for name, _ in (*_CLASSIFICATION, *_REGRESSION, *_INTERVALS, *_ESTIMATED, *_PROFILE_OURS, *_DRIFT_OURS)),
    )
)
"""Names, in lower case, that no custom metric may have."""
