"""The drawings of a report."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pierhead.kit.drawing.bars import Category, category_bars
from pierhead.kit.drawing.frame import Marker, Stretch
from pierhead.kit.drawing.heatmap import Cell, Row, heat_map
from pierhead.kit.drawing.histograms import Shares, histogram_pair
from pierhead.kit.drawing.lines import Around, Axis, Limit, Line, Point, line_chart
from pierhead.kit.drawing.numbers import milliseconds, number, of_n, share
from pierhead.kit.drawing.ribbons import Quantiles, ribbons
from pierhead.kit.drawing.sparkline import sparkline
from pierhead.kit.drawing.stacks import Amount, Stack, stacked
from pierhead.kit.drawing.strips import Filled, strip
from pierhead.kit.drawing.style import SERIES
from pierhead.monitoring.domain.report import MOST_IN_HEAT_MAP, Report
from pierhead.monitoring.domain.report_facts import ColumnFact, DriftFact, TrafficFact
from pierhead.monitoring.domain.report_features import Feature, Spread, categories_of, histogram_of
from pierhead.monitoring.domain.report_names import marks_of, version_names
from pierhead.monitoring.domain.report_period import windows_of
from pierhead.monitoring.domain.report_quality import Measure, WindowQuality
from pierhead.monitoring.domain.windows import Window

REFERENCE, CURRENT = "reference", "current"
_RANKS = (0.05, 0.25, 0.5, 0.75, 0.95)
_PERCENTILES = ("p50", "p95", "p99")


class Drawings:
    """Draws one report; every method gives SVG."""

    def __init__(self, report: Report) -> None:
        self.report = report

        facts = report.facts
        models = [
            *(each.model for each in facts.served),
            *(each.model for each in facts.traffic),
            *(each.model for each in facts.first_answers),
            *(each.model for each in facts.quality),
        ]
        self.names = version_names(models)
        self._styles = {model: _style(place) for place, model in enumerate(report.traffic)}
        self._windows = windows_of(facts.period, facts.granularity)
        self._around = Around(
            facts.period.start,
            min(facts.period.end, max(facts.now, facts.period.start + timedelta(minutes=1))),
            [Marker(mark.at, mark.label, mark.detail) for mark in marks_of(facts.first_answers, self.names)],
        )
        still_open = [each for each in report.coverage if each.is_open]
        self._with_open = Around(
            self._around.start,
            self._around.end,
            self._around.markers,
            [Stretch(each.window.start, each.window.end, _open(each.maturity)) for each in still_open],
        )

    def heat_map(self) -> str:
        """Features by windows."""
        windows = self.report.windows
        shown = [each for each in self.report.features if each.history][:MOST_IN_HEAT_MAP]
        rows = [Row(each.name, _cells(each, windows)) for each in shown]
        drifted = sum(1 for each in shown if each.is_drifted)
        return heat_map(
            rows,
            [(window.start, window.end) for window in windows],
            title="Drift of each feature in each window",
            description=f"{len(rows)} features, {len(windows)} windows; {drifted} features drift in the newest one",
            marked=self._around.markers,
        )

    def spark(self, feature: Feature) -> str:
        """The judged statistic in units of its limit."""
        strengths = [each.strength for each in feature.history]
        style = {"alarm": "alarm", "warn": "warn"}.get(feature.level, "current")
        last = strengths[-1] if strengths else None
        said = f"Drift of {feature.name} over {len(strengths)} windows, last {number(last)} times its limit"
        return sparkline(strengths, limit=1.0, style=style, title=said)

    def distribution(self, feature: Feature) -> str:
        """Histograms on the same edges, or bars of categories."""
        title = f"{feature.name}: {REFERENCE} and {CURRENT} values"
        description = f"{_n(feature.reference, REFERENCE)}; {_n(feature.current, CURRENT)}"
        histogram = histogram_of(feature)
        if histogram is None:
            bars = [Category(each.name, each.reference, each.current, each.is_new) for each in categories_of(feature)]
            return category_bars(bars, (REFERENCE, CURRENT), title=title, description=description)
        return histogram_pair(
            histogram.edges,
            _shares(REFERENCE, histogram.reference),
            _shares(CURRENT, histogram.current),
            title=title,
            description=description,
        )

    def over_time(self, feature: Feature) -> str:
        """Quantiles of numbers over time, the judged statistic of anything else."""
        if feature.is_numeric:
            known = {each.window: each for each in feature.profiles}
            moments = [_quantiles(window, known.get(window)) for window in self._windows]
            base = _five(feature.reference.quantiles) if feature.reference is not None else None
            return ribbons(moments, self._around, title=f"{feature.name}: quantiles over time", reference=base)
        return self._statistic(feature)

    def performance(self, measure: Measure) -> str:
        """A metric with intervals, by version if there are several; the estimate dashed."""
        lines = [
            Line(self.names[model], self._quality(series), self._styles.get(model, SERIES[-1]))
            for model, series in measure.by_model.items()
        ] or [Line("measured", self._quality(measure.overall))]
        estimates = {
            each.window: Point(_middle(each.window), each.estimate, said=of_n(each.estimated_n))
            for each in measure.overall
            if each.estimate is not None
        }
        if estimates:
            points = self._spaced(estimates)
            lines.append(Line("estimated, without labels", points, "reference", is_dashed=True))
        return line_chart(
            lines,
            self._with_open,
            title=f"{measure.name} over time",
            description="Bands are 95 percent intervals; windows that still wait for labels are hatched",
            axis=Axis(called=share if measure.is_share else number),
        )

    def coverage(self) -> str:
        """Which share of the predictions has a label."""
        filled = [
            Filled(
                each.window.start,
                each.window.end,
                each.labelled / each.predictions,
                each.is_open,
                f"labelled, {number(each.labelled)} of {number(each.predictions)} predictions"
                + (f"; {_open(each.maturity)}" if each.is_open else ""),
            )
            for each in self.report.coverage
        ]
        return strip(filled, self._around, title="Share of predictions that have a label")

    def traffic(self) -> str:
        """Requests by version."""
        stacks = [
            Stack(self.names.get(model, model), [_amount(each) for each in series], self._styles[model])
            for model, series in self.report.traffic.items()
        ]
        return stacked(stacks, self._around, title="Requests by version", unit="requests")

    def errors(self) -> str:
        """The share of requests that ended with a server error, by version."""
        lines = [
            Line(
                self.names.get(model, model),
                self._spaced(
                    {
                        each.window: Point(_middle(each.window), each.server_errors / each.requests, said=of_n(each.n))
                        for each in series
                        if each.requests
                    }
                ),
                self._styles[model],
            )
            for model, series in self.report.traffic.items()
        ]
        return line_chart(
            lines, self._around, title="Server errors by version", axis=Axis(from_zero=True, up_to=0.01, called=share)
        )

    def latencies(self) -> list[tuple[str, str]]:
        """With their titles: one chart for one version, else one for each percentile."""
        known = {
            model: series
            for model, series in self.report.traffic.items()
            if any(each.latency_ms is not None for each in series)
        }
        if len(known) == 1:
            (series,) = known.values()
            lines = [Line(p, self._latency(series, place), SERIES[place]) for place, p in enumerate(_PERCENTILES)]
            return [self._latency_chart("Latency p50, p95, p99", lines)]
        return [
            self._latency_chart(
                f"Latency {percentile} by version",
                [
                    Line(self.names.get(m, m), self._latency(series, place), self._styles[m])
                    for m, series in known.items()
                ],
            )
            for place, percentile in enumerate(_PERCENTILES)
            if known
        ]

    def _latency_chart(self, title: str, lines: Sequence[Line]) -> tuple[str, str]:
        return title, line_chart(lines, self._around, title=title, axis=Axis(from_zero=True, called=milliseconds))

    def _statistic(self, feature: Feature) -> str:
        latest = feature.latest
        limits = [] if latest is None or latest.threshold is None else [Limit(latest.threshold, "threshold")]
        name = latest.statistic if latest is not None else "drift"
        points = self._spaced(
            {each.window: Point(_middle(each.window), each.of(name), said=of_n(each.n)) for each in feature.history}
        )
        return line_chart(
            [Line(name, points)],
            self._around,
            title=f"{feature.name}: {name} over time",
            limits=limits,
            axis=Axis(from_zero=True),
        )

    def _quality(self, series: Sequence[WindowQuality]) -> list[Point]:
        return self._spaced({each.window: _quality_point(each) for each in series})

    def _latency(self, series: Sequence[TrafficFact], place: int) -> list[Point]:
        return self._spaced(
            {
                each.window: Point(_middle(each.window), each.latency_ms[place], said=of_n(each.n))
                for each in series
                if each.latency_ms is not None
            }
        )

    def _spaced(self, points: Mapping[Window, Point]) -> list[Point]:
        """With a gap in each window that has no point."""
        return [points.get(window) or Point(_middle(window), None) for window in self._windows]


def _style(place: int) -> str:
    return SERIES[min(place, len(SERIES) - 1)]


def _open(maturity: float) -> str:
    return f"still open: about {share(maturity)} of the labels should have come by now"


def _cells(feature: Feature, windows: Sequence[Window]) -> list[Cell | None]:
    by_window = {each.window: each for each in feature.history}
    return [None if window not in by_window else _cell(by_window[window]) for window in windows]


def _cell(fact: DriftFact) -> Cell:
    when = f"{fact.window.start:%Y-%m-%d %H:%M} UTC"
    if fact.strength is None:
        return Cell(None, f"{when}: not enough values, {of_n(fact.n)}")
    limits = f"threshold {number(fact.threshold)}, chance explains {number(fact.bound)}"
    said = f"{when}: {fact.statistic} {number(fact.value)} ({limits}), {of_n(fact.n)}"
    return Cell(fact.strength, said, fact.is_drifted)


def _n(column: ColumnFact | None, name: str) -> str:
    return f"no {name} values" if column is None else f"{name} {of_n(column.n)}"


def _shares(name: str, spread: Spread | None) -> Shares | None:
    return None if spread is None else Shares(name, spread.inside, spread.below, spread.above)


def _five(quantiles: Sequence[float]) -> tuple[float, float, float, float, float] | None:
    if not quantiles:
        return None
    last = len(quantiles) - 1
    a, b, c, d, e = (quantiles[round(rank * last)] for rank in _RANKS)
    return a, b, c, d, e


def _middle(window: Window) -> datetime:
    return window.start + (window.end - window.start) / 2


def _quality_point(each: WindowQuality) -> Point:
    low, high = each.interval or (None, None)
    return Point(_middle(each.window), each.value, low, high, of_n(each.labelled))


def _quantiles(window: Window, column: ColumnFact | None) -> Quantiles:
    if column is None:
        return Quantiles(_middle(window), None)
    return Quantiles(_middle(window), _five(column.quantiles), of_n(column.n))


def _amount(fact: TrafficFact) -> Amount:
    return Amount(fact.window.start, fact.window.end, fact.requests)
