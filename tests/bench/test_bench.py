"""What the bench makes of measurements: tables, plots, the page.  That it
measures at all is for `make bench-smoke`."""

import re
import resource
import sys
import xml.dom.minidom
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import document  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
import scale  # noqa: E402
from rows import Results  # noqa: E402
from systems import ROOT  # noqa: E402


@pytest.fixture
def results():
    """A row with everything, a row with a bound, a row that grows."""
    made = Results()
    about = {"group": "network", "unit": "us", "base": "relay",
             "targets": {"relay": 1.15, "peer": 0.25}, "title": "CONNECT"}
    for system, values in {"ours": [50, 70, 60], "relay": [40, 50, 60],
                           "peer": [300, 600, 400]}.items():
        for value in values:
            made.add("connect", system, value, **about)
    made.add("idle", "ours", 3000, group="memory", unit="B", base=None,
             bound=2560, title="an idle tunnel")
    for globs in (10, 1000):
        made.add(f"decide-hit-hot-{globs}", "ours", 40, group="decide",
                 unit="ns", base="scan", x=globs, of="globs",
                 title=f"decision, {globs} globs")
        made.add(f"decide-hit-hot-{globs}", "scan", globs * 4)
    return made


def test_a_row_is_medians_and_ratios_of_them(results):
    row = results.rows["connect"]
    assert report.median(row, "ours") == 60
    # 50/300, 70/600, 60/400
    assert report.ratio(row, "peer") == 60 / 400
    made = Results()
    for ours, other in ((10, 8), (20, 16), (30, 30), (40, 80), (100, 50)):
        made.add("row", "ours", ours, title="row")
        made.add("row", "relay", other)
    assert report.ratio(made.rows["row"], "relay") == 1.25
    made.add("row", "ours", 30)
    assert report.ratio(made.rows["row"], "relay") == 1
    text = report.line("connect", row)
    assert "1.25 x bare relay" in text and "0.15 x peer" in text
    assert "(<= 1.15 x bare relay missed; <= 0.25 x peer met)" in text


def test_a_target_in_units_needs_no_other_system(results):
    assert report.target_text(results.rows["idle"]) == "<= 2,560 B missed"


def test_a_target_is_not_judged_without_the_other_system(results):
    results.note("connect", "peer", "it did not start")
    row = results.rows["connect"]
    assert report.target_text(row) == \
        "<= 1.15 x bare relay missed; <= 0.25 x peer"
    assert "n/a: it did not start" in report.line("connect", row)
    assert "n/a: CONNECT, peer: it did not start" in report.table(
        {"connect": row})


def test_of_what_is_a_rate_more_is_better(results):
    for rate, verdict in ((3700, "met"), (3500, "missed")):
        results.rows.pop("rate", None)
        results.add("rate", "ours", rate, group="workers", unit="/s",
                    base="one", targets={"one": 1.8}, title="2 workers")
        results.add("rate", "one", 2000)
        assert report.target_text(results.rows["rate"]) == \
            f">= 1.80 x one worker {verdict}"


def test_a_table_has_as_many_cells_in_every_line(results):
    for text in (report.table(results.rows), report.cost_table(
            {"connect": {"ours": {"calls": 18.0, "instructions": 31000,
                                  "by_name": {"read": 2, "write": 0.25}},
                         "peer": {"note": "it did not start"}}})):
        widths = {line.count("|") for line in text.splitlines()}
        assert len(widths) == 1, text


@pytest.mark.parametrize("value, text", [
    (None, ""), (0.1234, "0.123"), (1.234, "1.23"), (12.34, "12.3"),
    (1234.5, "1,234")])
def test_figures_have_three_digits(value, text):
    assert report.figure(value) == text


@pytest.mark.parametrize("log_x, log_y", [(False, False), (True, True)])
def test_a_plot_is_xml_with_every_point_inside(log_x, log_y):
    svg = plot.line_plot("a < b", "globs", "ns", {
        "one": [(1, 3), (1_000_000, 0.5)], "two & more": [(10, 70_000)],
        "none": []}, log_x, log_y)
    tree = xml.dom.minidom.parseString(svg)
    assert len(tree.getElementsByTagName("polyline")) == 2
    for circle in tree.getElementsByTagName("circle"):
        x, y = (float(circle.getAttribute(name)) for name in ("cx", "cy"))
        assert plot.LEFT <= x <= plot.WIDTH - plot.RIGHT
        assert plot.TOP <= y <= plot.HEIGHT - plot.BOTTOM


def test_a_plot_of_nothing_is_none():
    assert plot.line_plot("t", "x", "y", {"one": []}) is None


@pytest.mark.parametrize("most", [0.4, 1, 3, 7, 12, 99, 100, 12345])
def test_linear_ticks_begin_at_zero_and_cover_all(most):
    ticks = plot.linear_ticks(most)
    assert ticks[0] == 0 and ticks[-1] >= most and 3 < len(ticks) < 13


def test_growth_is_drawn_beside_its_baseline(results):
    svg = report.plots(results.rows)["decision-by-globs.svg"]
    assert "linear scan" in svg and svg.count("<polyline") == 2


def test_a_plot_has_the_rows_of_its_group_alone(results):
    for name, group, x in (("deny-10", "policy", 10),
                           ("deny-1k", "policy", 1000),
                           ("deny-200-open", "tunnels", 200)):
        results.add(name, "ours", 12, group=group, unit="us", base=None, x=x,
                    title=name)
    results.add("deny-growth", "ours", 1, group="tunnels", unit="x",
                base=None, title="growth")
    svg = report.plots(results.rows)["denied-by-globs.svg"]
    assert svg.count("<circle") == 2


def told(results):
    return {"date": "2030-01-31", "rounds": 5, "revision": "abc", "peer": "",
            "machine": {"processor": "one", "processors": 2, "memory_gib": 4,
                        "system": "a system", "descriptors": 20000},
            "rows": results.rows, "costs": {}}


def test_the_page_is_written_anew_and_what_is_missing_stays(results):
    made = document.parts(told(results))
    page = (ROOT / "docs/PERFORMANCE.md").read_text()
    once = document.rewritten(page, made)
    assert "2030-01-31" in once and "| CONNECT | us | 60.0 |" in once
    assert document.rewritten(once, made) == once

    def part(text, name):
        return re.search(rf"<!-- made: {name} -->.*?<!-- end -->", text,
                         re.DOTALL).group(0)
    assert part(once, "tls") == part(page, "tls")
    assert once.count("<!-- made: ") == page.count("<!-- made: ")


def test_the_page_asks_for_every_part_and_shows_every_plot():
    page = (ROOT / "docs/PERFORMANCE.md").read_text()
    for name in [*report.GROUPS, "machine", "summary", "costs"]:
        assert f"<!-- made: {name} -->" in page
    for svg in re.findall(r"\(performance/([a-z-]+\.svg)\)", page):
        path = ROOT / "docs/performance" / svg
        xml.dom.minidom.parse(str(path))


def test_tunnels_stay_within_the_limit_on_descriptors(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (20000, 20000))
    assert scale.levels([200, 1000, 20000]) == [200, 1000, 9000]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 20, 1 << 20))
    assert scale.levels([200, 1000, 20000]) == [200, 1000, 20000]
