# SPDX-License-Identifier: Apache-2.0
"""Every kind of mail in a real Chromium: axe finds nothing, narrow and wide, light and dark."""

from __future__ import annotations

import pytest

from tests.peers.browser import Browser
from tests.reports.mail_set import LARGE, every_mail

NOT_OF_A_MAIL = ("region:", "landmark-one-main:")
"""A mail is shown inside another page, and the landmarks are that page's."""


@pytest.mark.peer("chromium")
@pytest.mark.parametrize(
    "name", ["revision-en", "revision-de", "choice-fr", "transition-en", "reminder-fr", LARGE]
)
def test_everybody_can_read_a_mail(browser: Browser, name: str) -> None:
    found = (
        one.split(" px, ", 1)[1].split(": ", 1)[1] for one in browser.complaints(every_mail()[name].html)
    )
    assert [one for one in found if not one.startswith(NOT_OF_A_MAIL)] == []


@pytest.mark.peer("chromium")
def test_what_nobody_could_read_would_be_seen(browser: Browser) -> None:
    pale = every_mail()["choice-en"].html.replace("color:#1b1f24", "color:#c0c4c8")
    assert any("color-contrast" in one for one in browser.complaints(pale))
