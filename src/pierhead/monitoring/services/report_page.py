"""A report as one HTML page that needs nothing else: no script, no font, no picture from anywhere."""

from datetime import datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from pierhead.kit.drawing.numbers import NOTHING, milliseconds, number, of_n, share
from pierhead.kit.drawing.style import CSS
from pierhead.monitoring.domain.monitors import ALL_MODELS
from pierhead.monitoring.domain.report import Report
from pierhead.monitoring.domain.report_features import Feature
from pierhead.monitoring.domain.report_sql import feature_sql, quality_sql, traffic_sql
from pierhead.monitoring.domain.windows import Window
from pierhead.monitoring.services.report_drawings import Drawings

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What the page may load, for the browser: nothing, not even if something slipped through."""

MOST_DRAWN = 30
"""Features with drawings of their own, besides those that drift."""

_MOST_DRIFTED = 60


def render(report: Report) -> str:
    """The page."""
    drawings = Drawings(report)
    drifted = [each for each in report.features if each.is_drifted][:_MOST_DRIFTED]
    drawn = {each.name for each in (*report.features[:MOST_DRAWN], *drifted)}
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            facts=report.facts,
            drawings=_Marked(drawings),
            names=drawings.names,
            drawn=drawn,
            style=Markup(CSS),
            policy=POLICY,
            feature_sql=lambda feature: feature_sql(report, feature),
            quality_sql=quality_sql(report),
            traffic_sql=traffic_sql(report),
            totals=_totals(report),
            open_windows={each.window for each in report.coverage if each.is_open},
            all_models=ALL_MODELS,
        )
    )


class _Marked:
    """Drawings, which are markup and escaped what they were given."""

    def __init__(self, drawings: Drawings) -> None:
        self._drawings = drawings

    def heat_map(self) -> Markup:
        return Markup(self._drawings.heat_map())

    def spark(self, feature: Feature) -> Markup:
        return Markup(self._drawings.spark(feature))

    def of_feature(self, feature: Feature) -> list[Markup]:
        return [Markup(self._drawings.distribution(feature)), Markup(self._drawings.over_time(feature))]

    def performance(self) -> list[Markup]:
        return [Markup(self._drawings.performance(measure)) for measure in self._drawings.report.measures]

    def coverage(self) -> Markup:
        return Markup(self._drawings.coverage())

    def traffic(self) -> list[tuple[str, Markup]]:
        drawn = [
            ("Requests by version", self._drawings.traffic()),
            ("Server errors by version", self._drawings.errors()),
            *self._drawings.latencies(),
        ]
        return [(title, Markup(drawing)) for title, drawing in drawn]


def when(moment: datetime | None) -> str:
    """A moment in UTC, to the minute."""
    return NOTHING if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def period(window: Window) -> str:
    """A window in words; the date of the end only where it is another one.

    >>> from datetime import UTC
    >>> period(Window(datetime(2026, 5, 1, 9, tzinfo=UTC), datetime(2026, 5, 1, 10, tzinfo=UTC)))
    '2026-05-01 09:00 to 10:00 UTC'
    """
    is_same_day = window.start.date() == window.end.date()
    end = f"{window.end:%H:%M}" if is_same_day else when(window.end)
    return f"{when(window.start)} to {end} UTC"


@cache
def _environment() -> Environment:
    folder = files("pierhead.monitoring") / "templates"
    environment = Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "share": share,
        "of_n": of_n,
        "milliseconds": milliseconds,
        "when": when,
        "period": period,
    }
    return environment


def _totals(report: Report) -> dict[str, float]:
    traffic = report.facts.traffic
    return {
        "requests": sum(each.requests for each in traffic),
        "recorded": sum(each.n for each in traffic),
        "errors": sum(each.server_errors for each in traffic),
        "predictions": sum(each.predictions for each in report.coverage),
        "labelled": sum(each.labelled for each in report.coverage),
    }
