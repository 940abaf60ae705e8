# SPDX-License-Identifier: Apache-2.0
"""A notice as JSON and back: how the ledger keeps it (format ``policyctl.notice/1``).

The same notice gives the same text: keys sorted, no white space, dates as ``YYYY-MM-DD``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from policyctl.core.notices.notice import ChoiceOffer, ClausePart, Notice, NoticeKind
from policyctl.core.policy import ChangeClass, Transition, VersionKey
from policyctl.core.practice import ChoiceMode
from policyctl.core.revision import Kind, Op, Run
from policyctl.errors import IntegrityError

FORMAT = "policyctl.notice/1"


def notice_to_json(notice: Notice) -> str:
    """``notice`` as one line of JSON, the same for the same notice."""
    return json.dumps(_notice_out(notice), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def notice_from_json(text: str) -> Notice:
    """The notice that :func:`notice_to_json` wrote.

    Raises IntegrityError when the text is no notice of a format this release knows.
    """
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise _unreadable(f"its format is {data['format']!r}")
        return _notice_in(data)
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(f"{type(error).__name__}") from error


def _unreadable(why: str) -> IntegrityError:
    return IntegrityError(
        f"a notice in the ledger is not readable as {FORMAT}: {why}",
        hint="read it with the release of policyctl that wrote it; the ledger is never edited by hand",
    )


def _notice_out(notice: Notice) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "slug": notice.version.slug,
        "number": notice.version.number,
        "kind": notice.kind,
        "title": notice.title,
        "class": notice.change_class,
        "effective": notice.effective.isoformat(),
        "published": notice.published.isoformat(),
        "summary": notice.summary,
        "impact": notice.impact,
        "clauses": [_clause_out(part) for part in notice.clauses],
        "choices": [_offer_out(offer) for offer in notice.choices],
        "transition": _transition_out(notice.transition),
        "full_text": notice.full_text,
        "text_sha256": notice.text_sha256,
        **({"ledger_head": notice.ledger_head} if notice.ledger_head else {}),
        **({"language": notice.language} if notice.language else {}),
    }


def _notice_in(data: Mapping[str, Any]) -> Notice:
    return Notice(
        version=VersionKey(data["slug"], data["number"]),
        kind=NoticeKind(data["kind"]),
        title=data["title"],
        change_class=ChangeClass(data["class"]),
        effective=date.fromisoformat(data["effective"]),
        published=date.fromisoformat(data["published"]),
        summary=data["summary"],
        impact=data["impact"],
        clauses=tuple(_clause_in(part) for part in data["clauses"]),
        choices=tuple(_offer_in(offer) for offer in data["choices"]),
        transition=_transition_in(data["transition"]),
        full_text=data["full_text"],
        text_sha256=data["text_sha256"],
        ledger_head=data.get("ledger_head", ""),
        language=data.get("language", ""),  # notices that were written before policies said it
    )


def _clause_out(part: ClausePart) -> dict[str, Any]:
    return {
        "heading": part.heading,
        "kinds": list(part.kinds),
        "blocks": [[[run.op, run.text] for run in block] for block in part.blocks],
        "anchor": part.anchor,
        "was": part.was,
        "material": part.material,
    }


def _clause_in(data: Mapping[str, Any]) -> ClausePart:
    return ClausePart(
        heading=data["heading"],
        kinds=tuple(Kind(kind) for kind in data["kinds"]),
        blocks=tuple(tuple(Run(Op(op), text) for op, text in block) for block in data["blocks"]),
        anchor=data["anchor"],
        was=data["was"],
        material=data["material"],
    )


def _offer_out(offer: ChoiceOffer) -> dict[str, Any]:
    return {
        "change": offer.change,
        "data": list(offer.data),
        "collected_for": list(offer.collected_for),
        "new_use": offer.new_use,
        "recipients": list(offer.recipients),
        "consequence": offer.consequence,
        "mode": offer.mode,
        "until": offer.until.isoformat() if offer.until else None,
        "answer_days": offer.answer_days,
    }


def _offer_in(data: Mapping[str, Any]) -> ChoiceOffer:
    return ChoiceOffer(
        change=data["change"],
        data=tuple(data["data"]),
        collected_for=tuple(data["collected_for"]),
        new_use=data["new_use"],
        recipients=tuple(data["recipients"]),
        consequence=data["consequence"],
        mode=ChoiceMode(data["mode"]),
        until=date.fromisoformat(data["until"]) if data["until"] else None,
        answer_days=data["answer_days"],
    )


def _transition_out(transition: Transition | None) -> dict[str, str] | None:
    if transition is None:
        return None
    return {
        "old_controller": transition.old_controller,
        "new_controller": transition.new_controller,
        "on": transition.on.isoformat(),
    }


def _transition_in(data: Mapping[str, str] | None) -> Transition | None:
    if data is None:
        return None
    return Transition(data["old_controller"], data["new_controller"], date.fromisoformat(data["on"]))
