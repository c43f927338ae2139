"""The HTML report: one file that asks for nothing, in which text of cases is never more than text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from unit.evals.views import MISSED, compared_view, hostile_view, large_view, view_of

from livesteward.evals.outcomes import Bin
from livesteward.evals.reports.charts import RANKING, reliability, steps, whisker
from livesteward.evals.reports.html import html
from livesteward.evals.reports.tables import heat_map, slice_tables, tint
from livesteward.evals.scorecard import Curve, Estimate


class Tags(HTMLParser):
    """Counts elements and collects what points somewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.references: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")
            if name == "aria-labelledby":
                self.references += (value or "").split()


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_the_page_points_at_nothing_outside_itself() -> None:
    for view in (compared_view(), hostile_view()):
        assert all(link.startswith("#") or link == "data:," for link in Tags(html(view)).links)


def test_hostile_text_makes_no_element_and_no_handler() -> None:
    page = html(hostile_view())
    tags = Tags(page)
    assert tags.names.count("script") == 2
    assert "img" not in tags.names
    assert not {name for name in tags.attributes if name.startswith("on")}
    assert "style" not in tags.attributes
    assert page.count("</script>") == 2


def test_hostile_text_is_still_there_to_be_read() -> None:
    (case,) = [case for case in data_of(html(hostile_view()))["cases"] if case["id"] == "evil-01"]
    assert "</script><script>document.title='owned'</script>" in case["reason"]
    assert "\x1b" not in case["reason"]
    assert "\u202e" not in case["reason"]


def test_the_policy_names_the_script_and_the_style_by_digest() -> None:
    page = html(compared_view())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy[1]
    assert "unsafe" not in policy[1]
    for body in (re.findall(r"<style>(.*?)</style>", page, re.DOTALL), re.findall(r"<script>(.*?)</script>", page, re.DOTALL)):
        assert len(body) == 1
        digest = base64.b64encode(hashlib.sha256(body[0].encode()).digest()).decode()
        assert digest in policy[1].replace("&#43;", "+")


def test_every_name_that_is_pointed_at_is_there_and_ids_are_unique() -> None:
    tags = Tags(html(compared_view()))
    assert len(set(tags.ids)) == len(tags.ids)
    assert {link[1:] for link in tags.links if link.startswith("#") and "=" not in link} <= set(tags.ids)
    assert set(tags.references) <= set(tags.ids)


def test_the_summary_says_verdict_figures_with_intervals_and_gates() -> None:
    page = html(compared_view())
    for told in (
        "REGRESSION: 1 of 2 gates failed",
        "Missed severe harm",
        "7.8–74.6",
        "3 of 9",
        "no difference is shown; differences from",
        "different code or weights",
        f'href="#case={MISSED}"',
        "1 segment could not be judged",
    ):
        assert told in page


def test_an_incomplete_run_without_gates_does_not_look_fine() -> None:
    view = compared_view()
    page = html(replace(view, outcome=None, scorecard=view.scorecard.model_copy(update={"complete": False})))
    assert "INCOMPLETE: the run did not finish" in page
    assert "no gates were asked" not in page


def test_a_run_of_nothing_and_one_without_comparison_can_be_shown() -> None:
    view = compared_view()
    assert "0 cases" in html(view_of(view.dataset.select(only=["everyday-01"]), []))
    assert 'id="changes"' not in html(replace(view, comparison=None, before=()))


def test_a_thousand_cases_stay_under_six_megabytes() -> None:
    page = html(large_view())
    assert len(page.encode()) < 6_000_000
    assert len(data_of(page)["cases"]) == 1_000


def test_plots_have_names_and_a_table() -> None:
    page = html(compared_view())
    for svg in re.findall(r'<svg[^>]*role="img".*?</svg>', page, re.DOTALL):
        assert "<title" in svg
        assert "<desc" in svg
    assert page.count("As a table") == 2


def test_the_map_counts_mistakes_by_category_and_region() -> None:
    found = heat_map(compared_view().rows)
    spot = found.spots["fraud_scam", "DE"]
    assert (spot.wrong, spot.rows) == (2, 4)
    assert spot.interval.low is not None
    assert found.by_region["SG"].rows == 14
    assert set(found.categories) == {"fraud_scam", "self_harm", "none"}


def test_slices_with_more_mistakes_are_darker_by_what_the_figure_means() -> None:
    assert [tint(share) for share in (0.0, 0.05, 0.2, 0.3, 0.5, 0.9)] == [0, 1, 2, 3, 4, 5]
    table = next(table for table in slice_tables(compared_view().scorecard) if table.dimension == "category")
    cells = dict(zip(table.columns, next(cells for name, _, cells in table.rows if name == "self_harm"), strict=True))
    assert (cells["recall"].tint, cells["missed"].tint, cells["review_rate"].tint) == (5, 5, 0)


def test_a_bin_stands_where_its_numbers_say_with_an_interval() -> None:
    (dot,) = reliability([Bin(confidence=0.5, observed=0.75, n=40)])
    assert dot.high < dot.y < dot.low
    assert dot.observed.low is not None
    assert dot.observed.low < 0.75


def test_a_curve_is_drawn_as_steps_that_average_precision_adds_up() -> None:
    path = steps(Curve(recall=(0.5, 0.5, 1.0), precision=(1.0, 0.8, 0.4), threshold=(0.9, 0.8, 0.1)))
    left, middle, right = (RANKING.x(share) for share in (0.0, 0.5, 1.0))
    assert path == f"M{left:g} {RANKING.y(1.0):g}H{middle:g}L{middle:g} {RANKING.y(0.4):g}H{right:g}"


@pytest.mark.parametrize("estimate", [Estimate(value=None), Estimate(value=0.5, n=1)])
def test_what_has_no_interval_has_no_whisker(estimate: Estimate) -> None:
    assert whisker(estimate) is None
