"""The report of an endpoint, out of real tables and by the API."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from monitors_app import MODEL
from report_world import REQUESTS, TRAINING, Asked, ReportWorld

from harness.databases import LentDatabases
from pierhead.identity.domain.grantees import group
from pierhead.identity.domain.privileges import METASTORE, Grant, Privilege
from pierhead.identity.store.grants import GrantStore
from pierhead.monitoring.services.payload_table import table_path

HOURS, ROWS = 8, 300
READERS = Grant(METASTORE, group("users"), Privilege.SELECT)


def draw(generator: np.random.Generator, rows: int, passed: float) -> dict[str, Any]:
    """Wines get sweeter, and some are orange, from the middle of the period on; acid stays as it was."""
    drifts = passed > 0.5
    colours = np.where(generator.random(rows) < 0.3 * drifts, "orange <i>", generator.choice(["red", "white"], rows))
    return {
        "sugar": generator.lognormal(1.5 + 1.2 * drifts, 0.8, rows),
        "acid": generator.normal(7, 1, rows),
        "colour": colours,
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, on_sqlite: LentDatabases) -> Iterator[ReportWorld]:
    with on_sqlite.lend() as database:
        world = ReportWorld(tmp_path_factory.mktemp("report"), database)
        world.endpoint()
        with world.live:
            yield world


@pytest.fixture(scope="module")
def page(world: ReportWorld) -> str:
    """Of an endpoint that was asked, monitored and labelled. It is looked at before, too."""
    before = world.report()
    assert "Requests of this endpoint are not kept" not in before.text
    assert "pierhead monitors create wine" in before.text
    world.fill(Asked(draw, HOURS, ROWS, {"1": 0.0, "2": 0.6}, label_hours=0.5, slicing=("colour",)))
    world.watch(("colour",))
    world.refresh()
    answer = world.report()
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


def test_it_is_one_page_that_loads_nothing_and_runs_nothing(page: str) -> None:
    assert "<script" not in page
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#)""", page)
    assert not re.search(r"url\((?!#)|@import", page)
    assert "Content-Security-Policy" in page


def test_what_others_wrote_is_text_and_no_markup(page: str) -> None:
    assert "orange &lt;i&gt;" in page
    assert "<i>" not in page


def test_it_says_what_drifts_since_when_and_what_does_not(page: str) -> None:
    attention = page[page.index('id="attention"') : page.index('id="drift"')]
    assert "sugar drifted" in attention
    assert "colour drifted" in attention
    assert "acid drifted" not in attention
    assert re.search(r"since 2026-03-01 08:00 UTC, 4 of 8 windows", attention)
    assert f"{TRAINING} at version 0" in page


def test_each_statistic_is_called_by_its_own_name(page: str) -> None:
    """A share of new categories is not a PSI."""
    verdicts = dict(
        re.findall(r'<span class="name" title="(\w+)".*?<span class="verdict">\s*<span[^>]*>([^<]+)<b>', page, re.S)
    )
    assert verdicts["sugar"].strip() == "PSI"
    assert verdicts["colour"].strip() == "New categories"


def test_every_figure_has_a_caption_with_its_n_or_its_windows(page: str) -> None:
    figures = re.findall(r"<figure>.*?</figure>", page, re.S)
    assert len(figures) > 10
    for figure in figures:
        (caption,) = re.findall(r"<figcaption>(.*?)</figcaption>", figure, re.S)
        assert re.search(r"n = [\d,]+|windows of 1 hour|predictions have a label", caption), caption


def test_slices_versions_and_the_queries_behind_are_shown(page: str) -> None:
    assert "colour = red" in page
    assert re.findall(r'<th scope="row" title="(main.wine.quality/\d)">', page) == [f"{MODEL}/1", f"{MODEL}/2"]
    assert "The query behind this" in page
    assert f"FROM {REQUESTS}_drift_metrics" in page


def test_who_may_not_read_what_an_endpoint_was_asked_sees_no_report_of_it(world: ReportWorld, page: str) -> None:
    """Distributions of what it was asked are in it."""
    assert page
    assert world.report("rob").status == 200
    with world.database.transaction() as connection:
        GrantStore(connection).remove([READERS])
    try:
        refused = world.report("rob")
    finally:
        with world.database.transaction() as connection:
            GrantStore(connection).add([READERS])
    assert refused.status == 403, refused.text
    assert world.ask("GET", "/api/2.0/pierhead/monitors/report/none").status == 404
    assert world.report(query="?since_ms=-1").status == 400


def test_a_table_that_cannot_be_read_is_said_and_the_rest_is_shown(world: ReportWorld, page: str) -> None:
    assert "Not everything could be read" not in page
    log = table_path(world.home.tables, f"{REQUESTS}_drift_metrics") / "_delta_log" / f"{99:020}.json"
    log.with_name(f"{1:020}.json").write_text("{")
    try:
        broken = world.report().text
    finally:
        log.with_name(f"{1:020}.json").unlink()
    assert "Not everything could be read" in broken
    assert "Latency" in broken
