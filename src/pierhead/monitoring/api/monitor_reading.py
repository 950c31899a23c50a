"""What a client says of a monitor, read from either dialect with everything that is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.api.monitor_dialects import Dialect
from pierhead.monitoring.domain.monitors import (
    CustomMetric,
    InferenceLogProfile,
    Monitor,
    MonitorDraft,
    Notifications,
    Profile,
    Schedule,
    SnapshotProfile,
    TimeSeriesProfile,
)
from pierhead.monitoring.domain.windows import Granularity

MOST_ADDRESSES = 5
NEW_TAG = "on_new_classification_tag_detected"

_PROFILES = ("inference_log", "time_series", "snapshot")
_Meaning = TypeVar("_Meaning")


def read_draft(
    params: Mapping[str, Any],
    dialect: Dialect,
    *,
    table: str,
    output_schema: str,
    before: Monitor | None = None,
    problems: Sequence[str] = (),
) -> MonitorDraft:
    """The whole of a monitor. `before` is the one that it changes: what this dialect has no words for stays as it is.

    Raises InvalidArgument with all problems, those included that were found before.
    """
    reading = _Reading(dialect, problems)
    profile = reading.profile(params, before)
    draft = MonitorDraft(
        table=table,
        output_schema=output_schema,
        profile=profile or SnapshotProfile(),
        slicing=reading.texts(params, "slicing_exprs"),
        custom_metrics=reading.metrics(params.get("custom_metrics")),
        baseline_table=reading.find_text(params, "baseline_table_name"),
        schedule=reading.schedule(params.get("schedule")),
        notifications=reading.notifications(params.get(dialect.notifications)),
        assets_dir=(reading.find_text(params, "assets_dir") or "") if before is None else before.assets_dir,
        facts=reading.facts(params),
    )
    if reading.problems:
        raise InvalidArgument("; ".join(reading.problems))
    return draft if before is None else _with_the_unsaid(draft, before, dialect)


def _with_the_unsaid(draft: MonitorDraft, before: Monitor, dialect: Dialect) -> MonitorDraft:
    unsaid = {key: value for key, value in before.facts.items() if key not in dialect.kept}
    profile, old = draft.profile, before.profile
    if isinstance(profile, InferenceLogProfile) and isinstance(old, InferenceLogProfile):
        same_prediction = old.prediction_column == profile.prediction_column
        if dialect.probability is None and same_prediction:
            profile = replace(profile, probability_column=old.probability_column)
    # The same baseline stays at its version: only another table is taken at its newest.
    same = before.baseline is not None and before.baseline.table == draft.baseline_table
    version = before.baseline.version if before.baseline is not None and same else None
    return replace(draft, profile=profile, facts={**unsaid, **draft.facts}, baseline_version=version)


class _Reading:
    """Reads on after a problem, so that the client hears of all of them."""

    def __init__(self, dialect: Dialect, problems: Sequence[str]) -> None:
        self._dialect = dialect
        self.problems = list(problems)

    def profile(self, params: Mapping[str, Any], before: Monitor | None) -> Profile | None:
        given = [name for name in _PROFILES if params.get(name) is not None]
        if not given and before is not None:
            return before.profile
        if len(given) != 1:
            self.problems.append(
                f"exactly one of {', '.join(_PROFILES)} says what is profiled; {' and '.join(given) or 'none'} is given"
            )
            return None
        (kind,) = given
        config = params[kind]
        if not isinstance(config, Mapping):
            self.problems.append(f"{kind} must be an object")
            return None
        return {"inference_log": self._inference_log, "time_series": self._time_series, "snapshot": self._snapshot}[
            kind
        ](config)

    def _inference_log(self, config: Mapping[str, Any]) -> Profile | None:
        words, where = self._dialect, "inference_log"
        problem_type = self._word(words.problem_types, config.get("problem_type"), f"{where}.problem_type")
        timestamp = self._text(config, words.timestamp, where)
        granularities = self._granularities(config, where)
        prediction = self._text(config, words.prediction, where)
        model_id = self._text(config, words.model_id, where)
        label = self.find_text(config, words.label, where)
        probability = None if words.probability is None else self.find_text(config, words.probability, where)
        if problem_type is None:
            return None
        return InferenceLogProfile(problem_type, timestamp, granularities, prediction, model_id, label, probability)

    def _time_series(self, config: Mapping[str, Any]) -> Profile:
        timestamp = self._text(config, self._dialect.timestamp, "time_series")
        return TimeSeriesProfile(timestamp, self._granularities(config, "time_series"))

    def _snapshot(self, _config: Mapping[str, Any]) -> Profile:
        return SnapshotProfile()

    def _granularities(self, config: Mapping[str, Any], where: str) -> tuple[Granularity, ...]:
        said = config.get("granularities")
        if not isinstance(said, list) or not said:
            self.problems.append(f"{where}.granularities must be a list of one or more")
            return ()
        found = (self._granularity(each, f"{where}.granularities") for each in said)
        return tuple(dict.fromkeys(each for each in found if each is not None))

    def _granularity(self, said: Any, where: str) -> Granularity | None:
        # `1 weeks` and `2 week` are written as well.
        spoken = said.strip().removesuffix("s") if isinstance(said, str) else said
        fitting = (each for word, each in self._dialect.granularities.items() if word.removesuffix("s") == spoken)
        return next(fitting, None) or self._word(self._dialect.granularities, said, where)

    def metrics(self, said: Any) -> tuple[CustomMetric, ...]:
        if said is None:
            return ()
        if not isinstance(said, list) or not all(isinstance(each, Mapping) for each in said):
            self.problems.append("custom_metrics must be a list of objects")
            return ()
        found = [self._metric(each, f"custom_metrics[{place}]") for place, each in enumerate(said)]
        return tuple(each for each in found if each is not None)

    def _metric(self, said: Mapping[str, Any], where: str) -> CustomMetric | None:
        kind = self._word(self._dialect.metric_types, said.get("type"), f"{where}.type")
        name, definition = self._text(said, "name", where), self._text(said, "definition", where)
        columns = self.texts(said, "input_columns", where)
        if not columns:
            self.problems.append(f"{where}.input_columns must name a column or ':table'")
        output = self._text(said, "output_data_type", where)
        return None if kind is None else CustomMetric(name, kind, definition, columns, output)

    def schedule(self, said: Any) -> Schedule | None:
        if said is None:
            return None
        if not isinstance(said, Mapping):
            self.problems.append("schedule must be an object")
            return None
        cron, zone = self._text(said, "quartz_cron_expression", "schedule"), self._text(said, "timezone_id", "schedule")
        pause = said.get("pause_status")
        paused = False if pause is None else self._word(self._dialect.pauses, pause, "schedule.pause_status")
        return Schedule(cron, zone, bool(paused))

    def notifications(self, said: Any) -> Notifications:
        where = f"{self._dialect.notifications}.on_failure"
        destination = said.get("on_failure") if isinstance(said, Mapping) else None
        if destination is None:
            return Notifications()
        if not isinstance(destination, Mapping):
            self.problems.append(f"{where} must be an object")
            return Notifications()
        addresses = self.texts(destination, "email_addresses", where)
        if len(addresses) > MOST_ADDRESSES:
            self.problems.append(f"{where}: at most {MOST_ADDRESSES} addresses, not {len(addresses)}")
        wrong = [address for address in addresses if "@" not in address or any(map(str.isspace, address))]
        if wrong:
            self.problems.append(f"{where}: {', '.join(map(repr, wrong))} is no e-mail address")
        return Notifications(addresses)

    def facts(self, params: Mapping[str, Any]) -> dict[str, Any]:
        found = {key: params[key] for key in self._dialect.kept if params.get(key) is not None}
        notifications = params.get(self._dialect.notifications)
        if isinstance(notifications, Mapping) and notifications.get(NEW_TAG) is not None:
            found[NEW_TAG] = notifications[NEW_TAG]
        return found

    def texts(self, config: Mapping[str, Any], key: str, where: str = "") -> tuple[str, ...]:
        said = config.get(key)
        if said is None:
            return ()
        if not isinstance(said, list) or not all(isinstance(each, str) and each.strip() for each in said):
            self.problems.append(f"{_path(where, key)} must be a list of texts")
            return ()
        return tuple(said)

    def find_text(self, config: Mapping[str, Any], key: str, where: str = "") -> str | None:
        said = config.get(key)
        if said is None or (isinstance(said, str) and said):
            return said
        self.problems.append(f"{_path(where, key)} must be a text")
        return None

    def _text(self, config: Mapping[str, Any], key: str, where: str) -> str:
        if config.get(key) in (None, ""):
            self.problems.append(f"{_path(where, key)} is missing")
            return ""
        return self.find_text(config, key, where) or ""

    def _word(self, words: Mapping[str, _Meaning], said: Any, where: str) -> _Meaning | None:
        meaning = words.get(said) if isinstance(said, str) else None
        if meaning is None:
            self.problems.append(f"{where} must be one of {', '.join(words)}, not {said!r}")
        return meaning


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
