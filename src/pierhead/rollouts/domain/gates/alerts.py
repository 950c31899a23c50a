"""Open alerts."""

from pierhead.rollouts.domain.gate_terms import AlertTerms
from pierhead.rollouts.domain.gates.results import Facts, GateResult, Verdict


def look_at_alerts(facts: Facts, terms: AlertTerms) -> GateResult:
    """One about the candidate is harm; while any other is open nothing goes on, as no step could be told from it."""
    about = [alert for alert in facts.alerts if alert.is_about_candidate]
    if about:
        words = "; ".join(f"{alert.name}: {alert.message}" for alert in about)
        return GateResult(terms.name, Verdict.HARMFUL, f"alerts about the candidate are open: {words}")
    if facts.alerts:
        words = ", ".join(alert.name for alert in facts.alerts)
        return GateResult(terms.name, Verdict.UNDECIDED, f"alerts about the endpoint are open: {words}")
    return GateResult(terms.name, Verdict.PASSED, "no alert is open")
