# SPDX-License-Identifier: Apache-2.0
"""The redline between any two versions that are posted."""

from __future__ import annotations

from policyctl.reports.comparing.html import revision_view
from policyctl.reports.site.posted import between, from_json
from policyctl.reports.site.version_pages import Printing, step_page


def compare_posted(old: bytes, new: bytes, printing: Printing) -> bytes:
    """The page, from the ``data.json`` of an older and a newer version of one policy."""
    before, after = from_json(old), from_json(new)
    return step_page(before, after, revision_view(between(before, after)), printing)
