# SPDX-License-Identifier: Apache-2.0
"""The feeds of the site: of each policy and of all, of what was published and of what is to come.

A feed of what is to come changes when a version is announced and when one takes effect, so its ``updated`` is
the later of the two: it follows from the versions and the day the site is built for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from policyctl.core.proof.heads import LedgerHead
from policyctl.reports.site.atom import Entry, Feed, atom_feed
from policyctl.reports.site.look import Look
from policyctl.reports.site.posted import Posted
from policyctl.reports.site.wording import wording
from policyctl.reports.words import one_line

_ALL, _COMING = "*", "*upcoming"
"""Names that no slug can have, for the ids of feeds."""


@dataclass(frozen=True, slots=True)
class Fed:
    """A policy as the feeds tell of it: its versions, oldest first, those that are ``announced`` and not in
    force yet, and the ledger heads of their version refs by number.
    """

    slug: str
    versions: tuple[Posted, ...]
    announced: tuple[Posted, ...]
    heads: Mapping[int, tuple[LedgerHead, ...]]

    @property
    def minted(self) -> datetime:
        """When the policy was first published."""
        return self.versions[0].published_at

    @property
    def lang(self) -> str:
        """Of its newest version."""
        return self.versions[-1].language

    @property
    def title(self) -> str:
        """Of its newest version."""
        return one_line(self.versions[-1].title)

    def entries(self, versions: Sequence[Posted]) -> list[Entry]:
        """Newest first."""
        return [self._entry(version) for version in reversed(versions)]

    def _entry(self, version: Posted) -> Entry:
        number, say = version.number, wording(version.language)
        when = say.text("feed.effective", day=version.effective)
        kind = version.change_class.value if version.change_class else "editorial"
        where = f"changes/v{number - 1}..v{number}/" if number > 1 else f"v{number}/"
        return Entry(
            name=f"{self.slug}/v{number}",
            minted=self.minted,
            title=say.text("titled", title=one_line(version.title), number=number),
            updated=version.published_at,
            path=f"{self.slug}/{where}",
            summary=" ".join(part for part in (version.summary.strip(), when) if part),
            category=kind,
            label=say.text(f"class.{kind}" if version.change_class else "class.first"),
            lang=version.language,
            changed=say.text("feed.clauses"),
            paragraphs=tuple(part for part in (version.summary, version.impact, when) if part.strip()),
            clauses=_changed(version),
            text_sha256=version.text_sha256,
            heads=self.heads.get(number, ()),
        )

    def moved(self, today: date) -> datetime:
        """When what is to come last changed."""
        begun = [
            datetime.combine(version.effective, time(), UTC)
            for version in self.versions
            if version.effective <= today
        ]
        return max([version.published_at for version in self.versions] + begun)


def _changed(version: Posted) -> tuple[str, ...]:
    """The headings of the clauses that a version changed; those that it took out are in the redline."""
    touched = {name for link in version.changed for name in link.new}
    return tuple(one_line(clause.heading) for clause in version.clauses if clause.id in touched)


def feed_files(policies: Sequence[Fed], look: Look, today: date) -> Iterator[tuple[str, bytes]]:
    """Every feed; ``policies`` is never empty."""
    for policy in policies:
        yield from _of_policy(policy, look, today)
    yield from _of_all(policies, look, today)


def _of_policy(policy: Fed, look: Look, today: date) -> Iterator[tuple[str, bytes]]:
    slug, title, say = policy.slug, policy.title, wording(policy.lang)
    published = Feed(
        slug, policy.minted, f"{slug}/feed.xml", f"{slug}/", say.text("feed.changes.of", title=title), title,
        policy.versions[-1].published_at, policy.entries(policy.versions), policy.lang,
    )  # fmt: skip
    coming = Feed(
        f"{slug}/{_COMING}", policy.minted, f"{slug}/upcoming.xml", f"{slug}/",
        say.text("feed.coming.of", title=title), title, policy.moved(today),
        policy.entries(policy.announced), policy.lang,
    )  # fmt: skip
    yield from _written((published, coming), look)


def _of_all(policies: Sequence[Fed], look: Look, today: date) -> Iterator[tuple[str, bytes]]:
    minted, author = min(policy.minted for policy in policies), one_line(look.name)
    entries = [entry for policy in policies for entry in policy.entries(policy.versions)]
    coming = [entry for policy in policies for entry in policy.entries(policy.announced)]
    newest = max(entry.updated for entry in entries)
    moved = max(policy.moved(today) for policy in policies)
    say = wording(look.language)
    changes = say.text("feed.changes.by", name=author)
    announced = say.text("feed.coming.by", name=author)
    yield from _written(
        (
            Feed(_ALL, minted, "feed.xml", "", changes, author, newest, _in_order(entries), say.lang),
            Feed(_COMING, minted, "upcoming.xml", "", announced, author, moved, _in_order(coming), say.lang),
        ),
        look,
    )  # fmt: skip


def _in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Newest first; of one moment by name, so that no order of policies shows."""
    return sorted(sorted(entries, key=lambda each: each.name), key=lambda each: each.updated, reverse=True)


def _written(feeds: Sequence[Feed], look: Look) -> Iterator[tuple[str, bytes]]:
    for feed in feeds:
        yield feed.path, atom_feed(feed, look.base_url, look.authority).encode()
