# SPDX-License-Identifier: Apache-2.0
"""Every page a person may open, in a real browser: narrow and wide, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyctl.reports.comparing.comparison import Comparison
from policyctl.reports.comparing.html import render_html
from policyctl.reports.lineage.svg import chart_html, chart_svg
from tests.peers.browser import NARROW, Browser, complaints_of
from tests.reports import samples
from tests.reports.test_lineage_faces import COOKIES, KEEP, SHARE, history_of

pytestmark = pytest.mark.peer("chromium")

FULL = samples.comparison(samples.OLD, samples.NEW, samples.FINDING)
HOSTILE = samples.comparison(samples.HOSTILE, samples.HOSTILE.replace("Read", "Look at\x07"), samples.FINDING)
LONGER = KEEP.replace("one year", "two years")
LINEAGE = history_of(f"{KEEP}\n\n{SHARE}\n", f"{LONGER}\n\n{COOKIES}\n", days=(0, 90))
SAMPLE_DIFFS = sorted((Path(__file__).resolve().parents[2] / "diffs").rglob("*.html"))


@pytest.mark.parametrize("comparison", [FULL, HOSTILE, samples.comparison(samples.OLD, samples.OLD)])
def test_everybody_can_read_a_redline(browser: Browser, comparison: Comparison) -> None:
    assert browser.complaints(render_html(comparison)) == []


@pytest.mark.parametrize("file", SAMPLE_DIFFS, ids=lambda file: file.name)
def test_everybody_can_read_the_redlines_of_the_sample_policy(browser: Browser, file: Path) -> None:
    assert browser.complaints(file.read_text("utf-8")) == []


def test_everybody_can_read_the_history_of_clauses(browser: Browser) -> None:
    assert browser.complaints(chart_html("HEAD:privacy.md", LINEAGE)) == []


def test_the_chart_alone_is_a_picture_with_a_name(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "chart.svg"
    file.write_text(chart_svg("HEAD:privacy.md", LINEAGE), "utf-8")
    with browser.at(file) as page:
        assert page.evaluate("document.documentElement.getBoundingClientRect().width") > 0
        assert page.get_by_role("img", name="Changes of the clauses of HEAD:privacy.md").count() == 1


def test_a_page_that_cannot_be_read_is_found_out(browser: Browser) -> None:
    bad = "<!doctype html><html><body><img src=x.png><p style='color:#ccc;width:900px'>pale</p></body></html>"
    with browser.opened(bad, width=NARROW) as page:
        found = "\n".join(complaints_of(page))
    assert "image-alt" in found
    assert "color-contrast" in found
    assert "beyond the edge" in found
