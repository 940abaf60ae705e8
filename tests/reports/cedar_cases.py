# SPDX-License-Identifier: Apache-2.0
"""Random policies in three versions, people and questions: facts for the rules, and requests for Cedar."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from policyctl.core.policy import VersionKey
from policyctl.core.practice import ChoiceMode, Practice, Recipient
from policyctl.core.records import Admission, Answer, Choice, Delivery, Tag, VersionRecord
from policyctl.core.use.decision import Facts, UseRequest
from tests.adapters.ledger_samples import TAXONOMY, day, practice, version

CATEGORIES = ("user", "user.contact", "user.contact.email", "user.contact.phone_number")
PURPOSES = ("essential", "essential.service", "marketing", "marketing.advertising")
IDS = ("a", "b", "c", "d", "e")
PARTIES = ((), (), (Recipient("processor.mail"),), (Recipient("partner", "Example Ads"),))
AT = day("2026-11-01")
_START = day("2026-01-01")


@dataclass(frozen=True)
class Case:
    """One question about one tag."""

    request: UseRequest
    facts: Facts
    cedar: dict[str, Any]


def some_versions(dice: random.Random) -> tuple[VersionRecord, ...]:
    """Three versions; a practice mostly stays as it is from one to the next."""
    found: list[VersionRecord] = []
    stated: dict[str, Practice] = {}
    for number in (1, 2, 3):
        for name in IDS:
            if name not in stated or dice.random() < 0.3:
                stated[name] = _practice(name, dice)
        own = [each for each in stated.values() if dice.random() < 0.7]
        asks = {each.id: dice.choice(tuple(ChoiceMode)) for each in own if number > 1 and dice.random() < 0.6}
        found.append(version(number, f"2026-0{1 + 2 * number}-01", *own, asks=asks))
    return tuple(found)


def _practice(name: str, dice: random.Random) -> Practice:
    return practice(
        name,
        dice.choice(PURPOSES),
        data=tuple(sorted(set(dice.choices(CATEGORIES, k=dice.randint(1, 2))))),
        choice=dice.choice((ChoiceMode.NONE, ChoiceMode.NONE, ChoiceMode.OPT_OUT, ChoiceMode.OPT_IN)),
        to=dice.choice(PARTIES),
        keep=dice.random() < 0.3,
    )


def cases(versions: tuple[VersionRecord, ...], count: int, dice: random.Random) -> Iterator[Case]:
    """Questions about whoever: what was said and told is drawn anew for each."""
    for _ in range(count):
        collected = dice.choice(versions).key.number
        current = dice.randint(collected, len(versions))
        choices = tuple(_said(dice))
        told = [change for record in versions for change in record.changes if dice.random() < 0.5]
        given = {
            change.name: dice.choice((AT - timedelta(days=5), AT - timedelta(days=60))) for change in told
        }
        deliveries = tuple(Delivery(c.version, "choice", given[c.name], (c.name,)) for c in told)
        category = dice.choice(CATEGORIES)
        facts = Facts(
            known_subject=True,
            tags=(Tag("s", category, "7", AT, VersionKey("fax", collected), slug="fax"),),
            versions=versions,
            admissions=(Admission("s", AT, VersionKey("fax", current)),),
            choices=choices,
            deliveries=deliveries,
            taxonomy=TAXONOMY,
        )
        request = UseRequest("s", category, dice.choice(PURPOSES), AT)
        over = [c.name for c in told if given[c.name] + timedelta(days=c.window_days) <= AT]
        context = {"collected": collected, "in_force": current, "told": sorted(given), "over": over}
        yield Case(request, facts, _request(request, {**context, **_standing(choices)}))


def _said(dice: random.Random) -> Iterator[Choice]:
    for place in range(dice.choice((0, 0, 1, 1, 2, 3, 5))):
        change = f"fax@v{dice.randint(1, 3)}#{dice.choice(IDS)}"
        scope = dice.choice(("subject", "subject", "customer"))
        answer = dice.choice((Answer.CONSENT, Answer.CONSENT, Answer.REFUSE, Answer.WITHDRAW))
        yield Choice(scope, change, answer, _moment(place), place + 1)


def _moment(place: int) -> datetime:
    return _START + timedelta(days=place)


def _standing(choices: tuple[Choice, ...]) -> dict[str, list[str]]:
    """As the head of the exported file says: told in order, so a refusal ends every consent before it."""
    found: dict[str, list[str]] = {}
    for scope, prefix in (("subject", ""), ("customer", "customer_")):
        refused: set[str] = set()
        consents: set[str] = set()
        for one in choices:
            if one.scope != scope:
                continue
            name = one.change.partition("#")[2]
            if one.answer is Answer.CONSENT:
                consents.add(one.change)
            else:
                refused.add(name)
                consents = {each for each in consents if each.partition("#")[2] != name}
        found[f"{prefix}refused"] = sorted(refused)
        found[f"{prefix}consents"] = sorted(consents)
    return found


def _request(request: UseRequest, context: dict[str, Any]) -> dict[str, Any]:
    return {
        "principal": f'Purpose::"{request.purpose}"',
        "action": 'Action::"use"',
        "resource": f'Category::"{request.category}"',
        "context": context,
    }
