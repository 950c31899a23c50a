from pierhead.kit.audit_context import acting, current, note, step


def test_a_step_keeps_who_acts_and_has_notes_of_its_own() -> None:
    with acting("controller", "promote") as call:
        note(decision="open")
        with step("evidence/refresh"):
            note(provenance="COMPLETE")
            inner = current()
        assert inner is not None
        assert (inner.actor, inner.route, inner.notes) == (
            call.actor,
            "evidence/refresh",
            {"provenance": "COMPLETE"},
        )
        assert call.notes == {"decision": "open"}


def test_a_step_outside_of_any_call_does_nothing() -> None:
    with step("evidence/refresh"):
        note(provenance="COMPLETE")
        assert current() is None
