# SPDX-License-Identifier: Apache-2.0
"""``policyctl demo``: the whole job once, in a folder of its own, through the actions the real thing uses.

1. A git repository is made; the first version of an invented fax service's policy is published.
2. A second, editorial one: administrators get a copy, nobody is asked.
3. Three customers and their users come in; their data is tagged with the version it was collected under.
4. The third version wants to give data already collected to a partner: those it concerns are asked.
5. They answer, or do not. One mail bounces.
6. The fourth version: another company takes over, and tells everybody before it does.
7. "May this be used?" is asked and answered from all that.

The days are those of the story, not of the clock: what is told is the same whenever it is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from policyctl.actions.deciding.decide import decide_use
from policyctl.actions.init import IGNORED, init
from policyctl.actions.mailing.notify import notify
from policyctl.actions.recording.imports import import_choices, import_customers, import_subjects
from policyctl.actions.recording.record import acknowledge, choose, deliver
from policyctl.actions.recording.tagging import import_tags
from policyctl.actions.site.build import SiteOptions
from policyctl.actions.versions.publish import publish
from policyctl.adapters.demo_repository import DemoRepository
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.interface import Mailer
from policyctl.adapters.repository.history import History
from policyctl.adapters.sample import SLUG, sample_settings, sample_table, sample_version
from policyctl.core.judge.standards import Standards
from policyctl.core.notices.notice import NoticeKind, Sender
from policyctl.core.policy import VersionKey
from policyctl.core.story import Chapter, DemoStory, Exhibit, Question
from policyctl.core.use.question import UseRequest

PUBLISHED = {
    1: datetime(2025, 12, 8, 9, tzinfo=UTC),
    2: datetime(2026, 3, 2, 9, tzinfo=UTC),
    3: datetime(2026, 5, 4, 9, tzinfo=UTC),
    4: datetime(2026, 8, 3, 9, tzinfo=UTC),
}
"""When each version is published; each takes effect more than 30 days later."""

_PEOPLE = datetime(2026, 4, 24, 12, tzinfo=UTC)
_ANSWERS = datetime(2026, 5, 25, 12, tzinfo=UTC)
_SUMMER = datetime(2026, 7, 3, 12, tzinfo=UTC)
_ASKED = datetime(2026, 9, 21, 12, tzinfo=UTC)
_CHANGE = f"{SLUG}@v3#partner-offers"
_EMAIL = "user.contact.email"


@dataclass(frozen=True, slots=True)
class DemoStage:
    """What the story is played with: the adapters that the settings of the demo's repository name.

    ``site`` and ``mails`` are folders, the second the one that the folder mailer writes to.
    """

    repository: DemoRepository
    history: History
    ledger: Ledger
    mailer: Mailer
    mails: Path
    site: Path
    base_url: str
    sender: Sender
    standards: Standards
    options: SiteOptions | None = None


def prepare_demo(folder: Path) -> DemoRepository:
    """Make the repository of the demo, its first version committed. RefusedError unless the folder
    is empty or not there yet.
    """
    repository = DemoRepository.make(folder)
    init(folder)
    (folder / "policyctl.toml").unlink()
    files = {"policyctl.toml": sample_settings(), ".gitignore": f"{IGNORED}\n", **sample_version(1)}
    repository.commit(files, "Write the first policy", at=PUBLISHED[1] - timedelta(days=1))
    return repository


def play_demo(stage: DemoStage) -> DemoStory:
    """Play the story on a repository that ``prepare_demo`` made, and tell it."""
    play = (_first, _editorial, _people, _choice, _answers, _owner)
    chapters = tuple(chapter(stage) for chapter in play)
    return DemoStory(str(stage.repository.named), chapters, tuple(_questions(stage)))


def _publish(stage: DemoStage, number: int, message: str = "") -> int:
    """Commit the sample's next version, publish it, write the mails that are owed; how many."""
    at = PUBLISHED[number]
    if message:
        stage.repository.commit(sample_version(number), message, at=at - timedelta(days=3))
    publish(
        SLUG,
        now=at,
        history=stage.history,
        ledger=stage.ledger,
        site=stage.site,
        base_url=stage.base_url,
        standards=stage.standards,
        options=stage.options,
    )
    return notify(at, ledger=stage.ledger, mailer=stage.mailer, sender=stage.sender).accepted


# --- the chapters


def _first(stage: DemoStage) -> Chapter:
    _publish(stage, 1)
    content = sample_table("customers.csv")
    imported = import_customers(content, file="customers.csv", now=PUBLISHED[1], ledger=stage.ledger)
    told = (
        f"The annotated ref policy/{SLUG}/v1 is created: that is the act of publishing.",
        f"{imported.added} contacts of three customers are imported; one customer has a second contact.",
    )
    return Chapter(PUBLISHED[1].date(), "Version 1 is published", told, (_policy(stage), _page(stage, 1)))


def _editorial(stage: DemoStage) -> Chapter:
    mails = _publish(stage, 2, "Mend two misspellings")
    told = (
        "Two words and a heading are mended, a section moves; no word means anything else than before.",
        f"{mails} administrators get a copy of the revised policy, as was promised. No user is written to.",
    )
    return Chapter(PUBLISHED[2].date(), "Version 2 is editorial", told, _redline(1))


def _people(stage: DemoStage) -> Chapter:
    subjects = import_subjects(
        sample_table("subjects.csv"), file="subjects.csv", now=_PEOPLE, ledger=stage.ledger
    )
    tags = _tags(stage, "tags-spring.csv", _PEOPLE)
    told = (
        f"{subjects.added} users are imported; the ledger knows them by a keyed hash, not by name.",
        f"{tags} records are tagged with the version under which they were collected: v1 or v2.",
    )
    return Chapter(_PEOPLE.date(), "Data is tagged", told)


def _choice(stage: DemoStage) -> Chapter:
    mails = _publish(stage, 3, "Offer the profile and the address to a partner")
    bounced = _deliver(stage, 3, bounced="u-eve")
    told = (
        "A new purpose and a new recipient for data already collected: nothing below class choice passes.",
        f"{mails} mails: administrators get redline and full text, users are asked, consent or refuse.",
        f"{bounced} bounced: to that user the notice counts as not given.",
    )
    exhibits = (
        *_redline(2),
        _mail(stage, 3, NoticeKind.REVISION, "harbour-clinic", "the administrator's mail"),
        _mail(stage, 3, NoticeKind.CHOICE, stage.ledger.pseudonym("u-clara"), "a choice notice, in German"),
    )
    return Chapter(PUBLISHED[3].date(), "Version 3 asks for a choice", told, exhibits)


def _answers(stage: DemoStage) -> Chapter:
    ledger = stage.ledger
    seen = datetime(2026, 5, 6, 8, 30, tzinfo=UTC)
    acknowledge("harbour-clinic", VersionKey(SLUG, 3), at=seen, now=_ANSWERS, ledger=ledger)
    import_choices(sample_table("choices.csv"), file="choices.csv", now=_ANSWERS, ledger=ledger)
    at = _ANSWERS - timedelta(hours=1)
    choose(f"{SLUG}@v1#quote-marketing", "refuse", subject="u-ben", at=at, now=_ANSWERS, ledger=ledger)
    choose(_CHANGE, "refuse", customer="blue-kite", at=at, now=_ANSWERS, ledger=ledger)
    choose(_CHANGE, "consent", subject="u-finn", at=at, now=_ANSWERS, ledger=ledger)
    _tags(stage, "tags-summer.csv", _SUMMER)
    told = (
        "Harbour Clinic acknowledges the new version. Clara consents, Dirk refuses, Ana does not answer.",
        "Ben opts out of offers by e-mail, which he could from the first version on.",
        "Blue Kite Studio refuses for the whole organisation; its user Finn consents all the same.",
    )
    return Chapter(_ANSWERS.date(), "People answer", told)


def _owner(stage: DemoStage) -> Chapter:
    mails = _publish(stage, 4, "Example Cloud Ltd takes over")
    _deliver(stage, 4)
    told = (
        "Another company takes over on 15 September: class transition, forty-three days ahead.",
        f"{mails} mails name both companies and the day. Choices stay in force and bind the new owner.",
    )
    exhibits = (
        *_redline(3),
        _mail(stage, 4, NoticeKind.TRANSITION, stage.ledger.pseudonym("u-ana"), "the notice to a user"),
        _page(stage, 4),
    )
    return Chapter(PUBLISHED[4].date(), "Version 4 changes the owner", told, exhibits)


def _questions(stage: DemoStage) -> Iterator[Question]:
    offers, partner = "marketing.advertising.third_party", "Example Print"
    spring = datetime(2026, 5, 15, 12, tzinfo=UTC)
    yield _ask(
        stage, "May Ana be mailed about planned maintenance?", "ana", "essential.service.notifications.email"
    )
    yield _ask(stage, "May Ben be mailed offers?", "ben", "marketing.communications.email")
    yield _ask(stage, "May Example Print get Clara's address?", "clara", offers, partner)
    yield _ask(stage, "And on 15 May, before she said yes?", "clara", offers, partner, at=spring)
    yield _ask(stage, "May Example Print get Ana's address, who did not answer?", "ana", offers, partner)
    yield _ask(stage, "May Example Print get Finn's address?", "finn", offers, partner)
    yield _ask(
        stage, "May Ana's exact location be used to find fraud?", "ana", "essential.fraud_detection",
        category="user.location.precise",
    )  # fmt: skip


def _ask(
    stage: DemoStage,
    text: str,
    who: str,
    purpose: str,
    recipient: str | None = None,
    *,
    category: str = _EMAIL,
    at: datetime = _ASKED,
) -> Question:
    request = UseRequest(f"u-{who}", category, purpose, at, recipient)
    return Question(text, at.date(), decide_use(request, ledger=stage.ledger))


# --- helpers


def _tags(stage: DemoStage, name: str, now: datetime) -> int:
    return import_tags(sample_table(name), file=name, now=now, ledger=stage.ledger, policy=SLUG).added


def _deliver(stage: DemoStage, number: int, *, bounced: str = "") -> int:
    """Report every mail of a version as delivered an hour later, those to ``bounced`` as bounced."""
    at = PUBLISHED[number] + timedelta(hours=1)
    lost = stage.ledger.pseudonym(bounced) if bounced else ""
    count = 0
    for nid, _, _, addressee in stage.ledger.nids(VersionKey(SLUG, number)):
        deliver(nid, "bounced" if addressee == lost else "delivered", at=at, now=at, ledger=stage.ledger)
        count += addressee == lost
    return count


def _mail(stage: DemoStage, number: int, kind: NoticeKind, addressee: str, what: str) -> Exhibit:
    rows = stage.ledger.nids(VersionKey(SLUG, number))
    nid = next(row[0] for row in rows if (row[1], row[3]) == (kind.value, addressee))
    return Exhibit(what, _below(stage, stage.mails / f"{nid}.eml"))


def _redline(old: int) -> tuple[Exhibit, ...]:
    return (Exhibit("the redline", f"diffs/{SLUG}/v{old}..v{old + 1}.html"),)


def _policy(stage: DemoStage) -> Exhibit:
    return Exhibit("the policy", _below(stage, stage.repository.root / "policies" / SLUG / "policy.md"))


def _page(stage: DemoStage, number: int) -> Exhibit:
    return Exhibit("the page of the site", _below(stage, stage.site / SLUG / f"v{number}" / "index.html"))


def _below(stage: DemoStage, path: Path) -> str:
    return path.relative_to(stage.repository.root).as_posix()
