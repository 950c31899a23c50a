"""Drawings as markup: well formed, escaped, told in words, readable in light and dark."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from pierhead.kit.drawing.bars import Category, category_bars
from pierhead.kit.drawing.frame import Marker, Stretch
from pierhead.kit.drawing.heatmap import Cell, Row, heat_map
from pierhead.kit.drawing.histograms import Shares, histogram_pair
from pierhead.kit.drawing.lines import Around, Axis, Limit, Line, Point, line_chart
from pierhead.kit.drawing.numbers import milliseconds, number, share, tick_labels
from pierhead.kit.drawing.ribbons import Quantiles, ribbons
from pierhead.kit.drawing.scales import Linear, extent, ticks, time_ticks
from pierhead.kit.drawing.sparkline import sparkline
from pierhead.kit.drawing.stacks import Amount, Stack, stacked
from pierhead.kit.drawing.strips import Filled, strip
from pierhead.kit.drawing.style import CSS, DARK, LIGHT, SERIES
from pierhead.kit.drawing.svg import coordinate, element, text

START = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
AROUND = Around(START, START + 4 * HOUR, [Marker(START + HOUR, "v2", "config 2")], [Stretch(START, START + HOUR)])
HOSTILE = "<script>alert('x')</script>&\"\0\ud800"
SVG = "{http://www.w3.org/2000/svg}"


def hours(*values: float | None) -> list[Point]:
    return [Point(START + place * HOUR, value) for place, value in enumerate(values)]


def every_drawing(name: str) -> dict[str, str]:
    around = Around(START, START + 4 * HOUR, [Marker(START + HOUR, name, name)], [Stretch(START, START + HOUR, name)])
    window = (START, START + HOUR)
    return {
        "lines": line_chart(
            [Line(name, hours(1.0, 2.0))], around, title=name, description=name, limits=[Limit(1.5, name)]
        ),
        "stacks": stacked([Stack(name, [Amount(*window, 3.0)], "s1")], around, title=name, unit=name),
        "histograms": histogram_pair([0.0, 1.0, 2.0], Shares(name, (0.5, 0.5)), Shares("b", (1.0, 0.0)), title=name),
        "bars": category_bars([Category(name, 0.5, 0.2, is_new=True)], (name, "current"), title=name),
        "heat map": heat_map([Row(name, [Cell(2.0, name, is_marked=True)])], [window], title=name),
        "ribbons": ribbons([Quantiles(START, (1.0, 2.0, 3.0, 4.0, 5.0), name)], around, title=name),
        "strip": strip([Filled(*window, 0.5, is_open=True, said=name)], around, title=name),
        "sparkline": sparkline([1.0, 2.0], title=name, limit=1.0),
    }


def test_every_drawing_says_in_words_what_it_shows() -> None:
    for drawing in every_drawing("Accuracy").values():
        root = ElementTree.fromstring(drawing)
        assert root.get("role") == "img"
        assert root[0].tag == f"{SVG}title"
        assert root[0].text == "Accuracy"


def test_hostile_names_are_words_and_never_markup() -> None:
    for drawing in every_drawing(HOSTILE).values():
        root = ElementTree.fromstring(drawing)
        assert not [each for each in root.iter() if "script" in each.tag]
        assert root[0].text == "<script>alert('x')</script>&\"??"


def test_a_coordinate_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="nan is no coordinate"):
        element("circle", cx=float("nan"))
    with pytest.raises(ValueError, match="inf is no coordinate"):
        coordinate(float("inf"))


def test_nothing_to_draw_is_a_sentence() -> None:
    empty = [
        line_chart([], AROUND, title="t"),
        line_chart([Line("a", hours(None, None))], AROUND, title="t"),
        stacked([], AROUND, title="t"),
        histogram_pair([], None, None, title="t"),
        histogram_pair([1.0, 1.0], Shares("a", (1.0,)), None, title="t"),
        category_bars([], ("a", "b"), title="t"),
        heat_map([], [], title="t"),
        ribbons([Quantiles(START, None)], AROUND, title="t"),
        strip([], AROUND, title="t"),
    ]
    for drawing in empty:
        words = [each.text or "" for each in ElementTree.fromstring(drawing).iter(f"{SVG}text")]
        assert any(said.startswith(("No ", "None ")) for said in words), drawing


def test_a_gap_in_the_values_is_a_gap_in_the_line() -> None:
    drawing = line_chart([Line("a", hours(1.0, 2.0, None, 2.0, 1.0))], AROUND, title="t")
    paths = [each for each in ElementTree.fromstring(drawing).iter(f"{SVG}path") if "line" in (each.get("class") or "")]
    assert len(paths) == 2


def test_one_value_is_a_dot() -> None:
    drawing = line_chart([Line("a", hours(None, 3.0))], AROUND, title="t")
    assert len(list(ElementTree.fromstring(drawing).iter(f"{SVG}circle"))) == 1


def test_higher_values_are_drawn_higher() -> None:
    root = ElementTree.fromstring(line_chart([Line("a", hours(1.0, 3.0, 2.0))], AROUND, title="t"))
    first, second, third = (float(each.get("cy") or 0) for each in root.iter(f"{SVG}circle"))
    assert second < third < first


def test_markers_outside_of_the_period_are_not_drawn() -> None:
    around = Around(START, START + HOUR, [Marker(START - HOUR, "v1"), Marker(START + 2 * HOUR, "v3")])
    assert "event" not in line_chart([Line("a", hours(1.0))], around, title="t")


def test_names_of_markers_do_not_lie_over_each_other() -> None:
    close = [Marker(START + timedelta(seconds=place), f"version {place}") for place in range(5)]
    root = ElementTree.fromstring(line_chart([Line("a", hours(1.0))], Around(START, START + HOUR, close), title="t"))
    shown = [each.text for each in root.iter(f"{SVG}text") if (each.text or "").startswith("version")]
    assert shown == ["version 0"]
    # The others can still be pointed at.
    assert len([each for each in root.iter(f"{SVG}g") if each.get("class") == "event"]) == 5


def test_a_dashed_line_is_dashed_in_its_legend_too() -> None:
    drawing = line_chart([Line("estimated", hours(1.0, 2.0), is_dashed=True)], AROUND, title="t")
    root = ElementTree.fromstring(drawing)
    assert len([each for each in root.iter() if "dashed" in (each.get("class") or "")]) == 2


def test_a_long_legend_takes_more_rows_and_the_plot_keeps_its_height() -> None:
    few = ElementTree.fromstring(line_chart([Line("a", hours(1.0))], AROUND, title="t"))
    many = ElementTree.fromstring(
        line_chart([Line(f"a rather long name of version {n}", hours(1.0)) for n in range(6)], AROUND, title="t")
    )
    assert float(many.get("height") or 0) > float(few.get("height") or 0)


def test_new_categories_are_said_to_be_new() -> None:
    drawing = category_bars(
        [Category("red", 0.5, 0.5), Category("green", 0.0, 0.5, is_new=True)], ("before", "now"), title="t"
    )
    words = [each.text for each in ElementTree.fromstring(drawing).iter(f"{SVG}text")]
    assert words.count("new") == 1


def test_what_lies_outside_of_the_bins_is_said() -> None:
    drawing = histogram_pair([0.0, 1.0], Shares("a", (0.9,), above=0.1), Shares("b", (0.5,), below=0.5), title="t")
    words = [each.text or "" for each in ElementTree.fromstring(drawing).iter(f"{SVG}text")]
    assert "◂ 0% | 50%" in words
    assert "10% | 0% ▸" in words


def test_an_unknown_cell_is_hatched_and_not_coloured() -> None:
    drawing = heat_map([Row("a", [Cell(None, "too few")])], [(START, START + HOUR)], title="t")
    groups = [each for each in ElementTree.fromstring(drawing).iter(f"{SVG}path") if each.get("class") == "hatch"]
    assert len(groups) == 1


def test_axes_name_the_values_as_they_are_called() -> None:
    drawing = line_chart([Line("a", hours(0.5, 0.75))], AROUND, title="t", axis=Axis(called=share))
    words = [each.text or "" for each in ElementTree.fromstring(drawing).iter(f"{SVG}text")]
    assert "70%" in words


def test_the_same_input_gives_the_same_drawing() -> None:
    assert every_drawing("a") == every_drawing("a")


@pytest.mark.parametrize(("colours", "ground"), [(LIGHT, "ground"), (DARK, "ground")], ids=["light", "dark"])
def test_colours_can_be_told_from_the_ground(colours: dict[str, str], ground: str) -> None:
    for name in ("ink", "quiet", "alarm", "warn", "good"):
        for behind in (ground, "panel"):
            assert contrast(colours[name], colours[behind]) >= 4.5, (name, behind)
    for name in ("reference", "current", "edge", *SERIES):
        assert contrast(colours[name], colours[ground]) >= 3, name
    # The ring around what drifts must be seen on every colour that it lies on.
    for name in ("h2", "h3", "h4"):
        assert contrast(colours["ink"], colours[name]) >= 2, name


def test_both_screens_know_the_same_colours() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert "prefers-color-scheme:dark" in CSS


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: the ratio of relative luminances."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_numbers_are_short_and_never_nan() -> None:
    assert [number(value) for value in (float("nan"), float("inf"), -1234.5, 999_999.0, 0.1 + 0.2)] == [
        "–",
        "∞",
        "−1,234",
        "1 M",
        "0.3",
    ]
    assert share(float("nan")) == "–"
    assert milliseconds(999.96) == "1,000 ms"


def test_tick_labels_have_the_same_decimals() -> None:
    assert tick_labels([0.5, 1.0, 1.5]) == ["0.5", "1.0", "1.5"]
    assert tick_labels([-1.0, 0.0]) == ["−1", "0"]
    assert tick_labels([7.0]) == ["7"]


def test_a_scale_keeps_within_its_borders() -> None:
    scale = Linear(0.0, 10.0, 100.0, 200.0)
    assert [scale(value) for value in (-5.0, 0.0, 5.0, 10.0, 1e308)] == [100.0, 100.0, 150.0, 200.0, 200.0]
    # More than a float holds lies between these two.
    assert Linear(-1.7e308, 1.7e308, 0.0, 1.0)(0.0) == 0.5


def test_ticks_of_a_range_without_width_are_its_value() -> None:
    assert ticks(3.0, 3.0) == [3.0]
    assert extent([float("nan"), None]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (timedelta(minutes=10), ["1 May", "00:05", "00:10"]),
        (timedelta(hours=6), ["1 May", "01:00", "02:00", "03:00", "04:00", "05:00", "06:00"]),
        (timedelta(days=3), ["1 May", "12:00", "2 May", "12:00", "3 May", "12:00", "4 May"]),
        (timedelta(days=60), ["11 May", "25 May", "8 Jun", "22 Jun"]),
        (timedelta(days=900), ["Oct 2026", "Apr 2027", "Oct 2027", "Apr 2028"]),
    ],
    ids=["minutes", "hours", "days", "months", "years"],
)
def test_time_is_named_as_finely_as_the_period_asks(period: timedelta, expected: list[str]) -> None:
    assert [label for _, label in time_ticks(START, START + period)] == expected


def test_words_that_xml_cannot_hold_are_replaced() -> None:
    assert text("a\x08b\uffff") == "a?b?"
