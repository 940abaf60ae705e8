# SPDX-License-Identifier: Apache-2.0
"""A subject, its tag under the first version of an invented policy, and facts to add to it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Recipient
from policyctl.core.records import Admission, Answer, Choice, Delivery, Tag, VersionRecord
from policyctl.core.use.decision import Decision, Facts, UseRequest, decide
from tests.adapters.ledger_samples import ADS, EMAIL, MARKETING, SERVICE, TAXONOMY, day, practice, version

ACCOUNT = practice("account", SERVICE)
NEWS = practice("news", MARKETING, choice=ChoiceMode.OPT_OUT, to=(Recipient("processor.mail"),))
POLL = practice("poll", "essential.poll", choice=ChoiceMode.OPT_IN)
ADS_OUT = practice("ads", ADS, choice=ChoiceMode.OPT_OUT, to=(Recipient("partner", "Example Ads"),))
SHARE_IN = practice("share", "essential.share", choice=ChoiceMode.OPT_IN, to=(Recipient("partner"),))

V1 = version(1, "2026-01-01", ACCOUNT, NEWS, POLL)
V2 = version(
    2, "2026-06-01", ACCOUNT, NEWS, POLL, ADS_OUT, SHARE_IN,
    asks={"ads": ChoiceMode.OPT_OUT, "share": ChoiceMode.OPT_IN}, change_class=ChangeClass.CHOICE,
)  # fmt: skip
TERMS = replace(
    TAXONOMY,
    purposes={
        **TAXONOMY.purposes,
        "essential.poll": TAXONOMY.purposes[SERVICE],
        "essential.share": TAXONOMY.purposes[SERVICE],
    },
)
KNOWN = Admission("s", day("2026-01-15"))
TAG = Tag("s", EMAIL, "account", day("2026-02-01"), VersionKey("fax", 1), slug="fax")

_sequence = count(1)


def facts(
    *more: object, versions: tuple[VersionRecord, ...] = (V1, V2), tags: tuple[Tag, ...] = (TAG,)
) -> Facts:
    """The subject's facts: choices, deliveries and admissions as given."""

    def of(kind: type) -> tuple[object, ...]:
        return tuple(item for item in more if isinstance(item, kind))

    return Facts(
        known_subject=True,
        tags=tags,
        versions=versions,
        admissions=of(Admission) or (KNOWN,),  # type: ignore[arg-type]
        choices=of(Choice),  # type: ignore[arg-type]
        deliveries=of(Delivery),  # type: ignore[arg-type]
        taxonomy=TERMS,
    )


def says(answer: str, change: str, at: str, scope: str = "subject") -> Choice:
    return Choice(scope, change, Answer(answer), day(at), next(_sequence))


def delivered(
    at: str, *, number: int = 2, changes: tuple[str, ...] = ("fax@v2#ads",), undone: str = ""
) -> Delivery:
    return Delivery(VersionKey("fax", number), "choice", day(at), changes, day(undone) if undone else None)


def ask(
    known: Facts, purpose: str, at: str, *, category: str = EMAIL, recipient: str | None = None
) -> Decision:
    return decide(UseRequest("s", category, purpose, day(at), recipient=recipient), known)
