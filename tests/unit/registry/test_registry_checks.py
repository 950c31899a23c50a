"""Checks, each on its own, as a policy reads them from YAML."""

from datetime import datetime, timedelta

import pytest

from fakes.gate import EVIDENCE, NOW, policies, without
from pierhead.kit.yaml_reader import Document, Reader
from pierhead.registry.domain.check import Failed, Passed, Verdict
from pierhead.registry.domain.check_reports import report_check
from pierhead.registry.domain.checks import CHECKS, report_names
from pierhead.registry.domain.gate import Evaluation, Evidence, ProvenanceState, Report, Scan
from pierhead.registry.domain.policy_yaml import InvalidPolicies, parse_policies


def judged(text: str, evidence: Evidence) -> Verdict:
    (use,) = policies(f"provenance: off\nchecks: [{text}]").policies[0].checks
    return CHECKS[use.name].judge(evidence, use.params, NOW)


def measured(
    value: float,
    metric: str = "auc",
    *,
    dataset: str | None = "main.fraud.holdout",
    digest: str | None = "d5",
    at: datetime = NOW - timedelta(days=1),
) -> Evaluation:
    return Evaluation(metric, value, dataset, digest, at)


def test_a_model_without_signature_fails():
    assert judged("signature", EVIDENCE) == Passed()
    verdict = judged("signature", without(has_signature=False))
    assert isinstance(verdict, Failed)
    assert "infer_signature" in verdict.message


@pytest.mark.parametrize("state", [ProvenanceState.PENDING, ProvenanceState.INVALID, ProvenanceState.MISSING])
def test_training_data_must_be_recorded_completely(state):
    verdict = judged("data_version", without(provenance=state, provenance_message="table main.a.b is gone."))
    assert isinstance(verdict, Failed)
    assert "table main.a.b is gone; log" in verdict.message


class TestScan:
    def test_no_dangers_pass_and_no_scan_fails(self):
        assert judged("artifact_scan", EVIDENCE) == Passed()
        assert isinstance(judged("artifact_scan", without(scan=None)), Failed)

    def test_what_was_reviewed_can_be_allowed(self):
        evidence = without(scan=Scan(3, ("model.pkl: pickle imports sklearn", "x.pkl: pickle imports os.system")))
        verdict = judged("artifact_scan: {allow: ['*SKLEARN*']}", evidence)
        assert isinstance(verdict, Failed)
        assert "os.system" in verdict.message
        assert "sklearn" not in verdict.message
        assert judged("artifact_scan: {allow: ['*sklearn*', '*os.system*']}", evidence) == Passed()

    def test_many_dangers_are_counted_and_not_all_told(self):
        verdict = judged("artifact_scan", without(scan=Scan(9, tuple(f"danger {n}" for n in range(9)))))
        assert isinstance(verdict, Failed)
        assert "and 4 more" in verdict.message


class TestEvaluation:
    ON_HOLDOUT = "evaluation: {dataset: main.fraud.holdout, metrics: {auc: {min: 0.8}}}"

    @pytest.mark.parametrize(
        ("bound", "value", "passes"),
        [
            ("min: 0.8", 0.8, True),
            ("min: 0.8", 0.79, False),
            ("max: 50", 50.0, True),
            ("max: 50", 50.1, False),
            ("min: 0, max: 1", float("nan"), False),
            ("max: 1", float("nan"), False),
        ],
    )
    def test_thresholds_are_inclusive_and_nothing_passes_without_a_number(self, bound, value, passes):
        evidence = without(evaluations=(measured(value),))
        assert isinstance(
            judged(f"evaluation: {{metrics: {{auc: {{{bound}}}}}}}", evidence), Passed if passes else Failed
        )

    def test_a_metric_that_was_not_measured_fails(self):
        assert isinstance(judged(self.ON_HOLDOUT, EVIDENCE), Failed)
        assert isinstance(judged(self.ON_HOLDOUT, without(evaluations=(measured(0.9, "f1"),))), Failed)

    @pytest.mark.parametrize(
        ("dataset", "digest", "passes"),
        [
            ("main.fraud.holdout", "d5", True),
            ("main.fraud.train", "d5", False),
            (None, None, False),
            ("main.fraud.holdout", None, False),
        ],
    )
    def test_only_numbers_on_a_pinned_version_of_the_named_data_set_count(self, dataset, digest, passes):
        evidence = without(evaluations=(measured(0.9, dataset=dataset, digest=digest),))
        assert isinstance(judged(self.ON_HOLDOUT, evidence), Passed if passes else Failed)

    def test_the_newest_measurement_counts(self):
        older, newer = measured(0.9, at=NOW - timedelta(days=2)), measured(0.7)
        assert isinstance(judged(self.ON_HOLDOUT, without(evaluations=(newer, older))), Failed)

    def test_old_measurements_do_not_count(self):
        text = "evaluation: {max_age: 14d, metrics: {auc: {min: 0.8}}}"
        assert judged(text, without(evaluations=(measured(0.9, at=NOW - timedelta(days=14)),))) == Passed()
        assert isinstance(judged(text, without(evaluations=(measured(0.9, at=NOW - timedelta(days=15)),))), Failed)

    @pytest.mark.parametrize(
        ("bound", "mine", "live", "passes"),
        [
            ("not_worse_than_production_by: 0.05", 0.80, 0.85, True),
            ("not_worse_than_production_by: 0.05", 0.79, 0.85, False),
            ("not_worse_than_production_by: 0", 0.85, 0.85, True),
            ("not_worse_than_production_by: 0.05", 0.99, 0.85, True),
            ("not_worse_than_production_by: 5, max: 100", 54.0, 50.0, True),
            ("not_worse_than_production_by: 5, max: 100", 56.0, 50.0, False),
            ("not_worse_than_production_by: 5, better: lower", 40.0, 50.0, True),
            ("not_worse_than_production_by: 5, better: higher, max: 100", 40.0, 50.0, False),
            ("not_worse_than_production_by: 0.05", 0.80, float("nan"), False),
        ],
    )
    def test_it_compares_with_the_version_that_is_live(self, bound, mine, live, passes):
        evidence = without(evaluations=(measured(mine),), champion=(measured(live),))
        assert isinstance(
            judged(f"evaluation: {{metrics: {{auc: {{{bound}}}}}}}", evidence), Passed if passes else Failed
        )

    def test_with_nothing_live_there_is_nothing_to_be_worse_than(self):
        text = "evaluation: {metrics: {auc: {not_worse_than_production_by: 0}}}"
        assert judged(text, without(evaluations=(measured(0.1),))) == Passed()

    @pytest.mark.parametrize("live", [measured(0.9, "f1"), measured(0.8, digest="d4")])
    def test_what_was_not_measured_alike_cannot_be_compared(self, live):
        text = "evaluation: {metrics: {auc: {not_worse_than_production_by: 0.1}}}"
        assert isinstance(judged(text, without(evaluations=(measured(0.9),), champion=(live,))), Failed)

    def test_every_failing_metric_is_told(self):
        text = "evaluation: {metrics: {auc: {min: 0.8}, f1: {min: 0.5}, loss: {max: 1}}}"
        verdict = judged(text, without(evaluations=(measured(0.1), measured(2.0, "loss"))))
        assert isinstance(verdict, Failed)
        assert all(f"'{metric}'" in verdict.message for metric in ("auc", "f1", "loss"))


class TestReports:
    TEXT = "external: {name: change-mgmt, max_age: 24h}"

    def test_nothing_said_is_no(self):
        assert isinstance(judged(self.TEXT, EVIDENCE), Failed)

    @pytest.mark.parametrize(
        ("passed", "hours", "passes"), [(True, 1, True), (True, 24, True), (True, 25, False), (False, 1, False)]
    )
    def test_a_fresh_yes_passes(self, passed, hours, passes):
        report = Report(passed, "ticket is closed", NOW - timedelta(hours=hours))
        verdict = judged(self.TEXT, without(reports={"change-mgmt": report}))
        assert isinstance(verdict, Passed if passes else Failed)

    def test_the_gate_knows_which_reports_a_policy_reads(self):
        uses = policies("checks: [signature, external: {name: b}, external: {name: a}]").policies[0].checks
        assert report_names(uses) == ("a", "b")

    def test_the_systems_outside_that_are_asked_about_a_model_are_those_of_its_policies(self):
        text = "name: t\npolicies:\n"
        for name in ("a", "b"):
            text += f"- {{name: {name}, match: {{models: ['{name}.*'], stages: [Staging]}}, "
            text += f"checks: [signature, external: {{name: of-{name}}}]}}\n"
        found = parse_policies(text.encode())
        assert found.external_names("A.fraud.classifier") == {"of-a"}
        assert found.external_names("c.fraud.classifier") == set()

    def test_a_later_check_is_made_of_its_report(self):
        check = report_check("canary", "the canary did well")
        document = Document({(): 1})
        params = check.read(Reader({"max_age": "1h"}, (), document))
        assert document.problems == []
        assert check.reports(params) == ("canary",)
        assert isinstance(check.judge(EVIDENCE, params, NOW), Failed)
        assert check.judge(without(reports={"canary": Report(True, "", NOW)}), params, NOW) == Passed()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("signature: {strict: true}", "there is nothing to set"),
        ("astrology", "there is no check 'astrology'; there are signature"),
        ("evaluation", "'metrics' is missing"),
        ("evaluation: {metrics: {}}", "at least one metric"),
        ("evaluation: {metrics: {auc: {}}}", "at least one of min, max"),
        ("evaluation: {metrics: {auc: {min: high}}}", "a number is needed, not 'high'"),
        ("evaluation: {metrics: {auc: {min: .nan}}}", "a number is needed"),
        ("evaluation: {metrics: {auc: {min: 2, max: 1}}}", "which nothing can be"),
        ("evaluation: {metrics: {auc: {not_worse_than_production_by: -1}}}", "not negative"),
        ("evaluation: {metrics: {auc: {min: 1, better: faster}}}", "none of higher, lower"),
        ("evaluation: {max_age: soon, metrics: {auc: {min: 1}}}", "a duration is needed"),
        ("external: {}", "'name' is missing"),
        ("artifact_scan: {allow: []}", "at least one text"),
        ("artifact_scan: {mode: ignore}", "none of enforce, warn"),
    ],
)
def test_wrong_parameters_are_refused_with_what_is_allowed(text, said):
    with pytest.raises(InvalidPolicies, match=said.replace("[", r"\[")):
        judged(text, EVIDENCE)
