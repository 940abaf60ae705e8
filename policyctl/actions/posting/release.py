# SPDX-License-Identifier: Apache-2.0
"""``policyctl release-notes``: a published version as the body of a release."""

from __future__ import annotations

from policyctl.actions.versions.sources import Shelf
from policyctl.adapters.repository.history import History
from policyctl.core.diff.compare import compare
from policyctl.core.policy import VersionKey
from policyctl.reports.posting.release_notes import release_notes


def notes_of(version: VersionKey, *, history: History, shelf: Shelf, base_url: str) -> str:
    """The notes of a published version, in Markdown. CannotCompareError where it is not published."""
    mark = history.version(version)
    source = shelf.version(mark)
    revision = None
    if version.number > 1:
        before = shelf.version(history.version(VersionKey(version.slug, version.number - 1)))
        revision = compare(before.document, source.document, before.practices or (), source.practices or ())
    change = source.policy.change if source.policy else None
    return release_notes(mark, revision, impact=change.impact if change else "", base_url=base_url)
