# SPDX-License-Identifier: Apache-2.0
"""Every kind of mail in a real Chromium: axe finds nothing, narrow and wide, light and dark."""

from __future__ import annotations

import pytest

from tests.reports.mail_set import LARGE, every_mail

browsers = pytest.importorskip("tests.peers.browser")

NOT_OF_A_MAIL = ("region:", "landmark-one-main:")
"""A mail is shown inside another page, and the landmarks are that page's."""


@pytest.mark.peer("chromium")
@pytest.mark.parametrize(
    "name", ["revision-en", "revision-de", "choice-fr", "transition-en", "reminder-fr", LARGE]
)
def test_everybody_can_read_a_mail(browser: browsers.Browser, name: str) -> None:
    found = browser.complaints(every_mail()[name].html)
    assert [
        one for one in found if not one.partition(" px, ")[2].partition(": ")[2].startswith(NOT_OF_A_MAIL)
    ] == []
