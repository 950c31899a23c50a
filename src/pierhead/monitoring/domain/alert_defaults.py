"""The rules that an endpoint with an inference table has from the beginning."""

from pierhead.monitoring.domain.alert_yaml import RuleSet, parse_rules

DEFAULT_RULES = """\
# Each also needs two of the last five windows, the newest among them, and 500 samples a window.
endpoint: {endpoint}
rules:
- {{name: drift, metric: drift.population_stability_index, above: 0.2, null_bound: true, severity: critical,
   summary: 'a feature or the score is distributed otherwise than in training'}}
- {{name: drift-warning, metric: drift.population_stability_index, above: 0.1, null_bound: true,
   summary: 'a feature or the score begins to be distributed otherwise than in training'}}
- {{name: new-categories, metric: drift.new_category_share, above: 0.01,
   summary: 'values that training never saw'}}
- {{name: nulls, metric: drift.percent_null_delta, above: 5,
   summary: 'more nulls than in training, in points'}}
- {{name: slow, metric: traffic.p99_ratio, above: 1.5, summary: 'p99 latency against what it was before'}}
- {{name: errors, metric: traffic.error_rate, above: 0.01, severity: critical, least_samples: 100,
   summary: 'answers with status 5xx'}}
- {{name: accuracy, metric: quality.{quality}, above: {margin}, null_bound: true, severity: critical,
   summary: 'predictions are worse than in the reference'}}
- {{name: labels-stalled, metric: labels.coverage_ratio, below: 0.5, least_samples: 100,
   summary: 'labels come for far fewer predictions than before'}}
- {{name: records-lost, metric: traffic.log_drop_share, above: 0.001, least_samples: 100,
   summary: 'invocations that are missing from the inference table'}}
- {{name: sample-ratio, metric: traffic.sample_ratio, above: 3,
   summary: 'served entities get other shares of the traffic than their weights say'}}
"""


def default_rules(endpoint: str, *, is_regression: bool = False) -> RuleSet:
    """For a new endpoint. Accuracy may be 2 points below the reference; of a regression, R2 0.05 below.

    >>> [rule.name for rule in default_rules("fraud").rules][:3]
    ['drift', 'drift-warning', 'new-categories']
    """
    quality, margin = ("r2_score", 0.05) if is_regression else ("accuracy_score", 0.02)
    return parse_rules(DEFAULT_RULES.format(endpoint=endpoint, quality=quality, margin=margin).encode())
