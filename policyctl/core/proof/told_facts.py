# SPDX-License-Identifier: Apache-2.0
"""What the rows of a bundle say, as facts: the same for who writes a bundle and for who checks it.

Each fact names the place of its row (``row``), or of its tag (``tag``), so that it can be followed down to
the proof. Times are UTC, ISO 8601. Numbers of the ledger stand for what the other rows say they do; a
number without its row gives None, and never a guess.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from policyctl.core.proof.rows import LedgerPart

Fact = dict[str, Any]
Facts = dict[str, list[Fact]]

_START = datetime(1970, 1, 1, tzinfo=UTC)
_ANSWERS = {1: "consent", 2: "refuse", 3: "withdraw"}
_LOCAL = (1 << 40) - 1


def facts_of(part: LedgerPart) -> Facts:
    """Versions, practices, changes, postings and what became of them, notices, acceptances, answers,
    acknowledgements, objections, deliveries, tags, ends of tags, and what was cut out beside them.
    """
    return _Reading(part).facts()


class _Reading:
    def __init__(self, part: LedgerPart) -> None:
        self._part = part
        self._rows: dict[str, list[tuple[int, Fact]]] = defaultdict(list)
        for place, row in enumerate(part.rows):
            self._rows[row.table].append((place, row.values()))
        slugs = {row["policy_no"]: row["slug"] for _, row in self._rows["policy"]}
        self._version = {
            row["version_no"]: f"{slugs.get(row['policy_no'], '?')}@v{row['number']}"
            for _, row in self._rows["version"]
        }
        self._practice = {
            row["practice_no"]: f"{self._version.get(row['version_no'], '?')}#{row['id']}"
            for _, row in self._rows["practice"]
        }
        self._category = {
            row["category_no"]: (slugs.get(row["policy_no"]), row["id"]) for _, row in self._rows["category"]
        }

    def facts(self) -> Facts:
        makers = {
            "versions": self._versions,
            "practices": self._practices,
            "changes": self._changes,
            "postings": self._postings,
            "posting_events": self._posting_events,
            "notices": self._notices,
            "sent": self._sent,
            "acceptances": self._acceptances,
            "choices": self._choices,
            "acknowledgements": self._acknowledgements,
            "objections": self._objections,
            "deliveries": self._deliveries,
            "tags": self._tags,
            "ends": self._ends,
            "cuts": self._cuts,
        }
        return {name: list(make()) for name, make in makers.items()}

    def _versions(self) -> Iterator[Fact]:
        for place, row in self._rows["version"]:
            yield {
                "version": self._version[row["version_no"]],
                "title": row["title"],
                "class": row["change_class"],
                "published_at": moment(row["published_at"]),
                "effective_at": moment(row["effective_at"]),
                "commit": row["commit_id"],
                "text_sha256": row["text_sha256"],
                "row": place,
            }

    def _practices(self) -> Iterator[Fact]:
        for place, row in self._rows["practice"]:
            yield {
                "version": self._version.get(row["version_no"]),
                "id": row["id"],
                "clause": row["clause"],
                "categories": json.loads(row["categories"]),
                "purpose": row["purpose"],
                "recipients": json.loads(row["recipients"]),
                "retention": row["retention"],
                "choice": row["choice"],
                "row": place,
            }

    def _changes(self) -> Iterator[Fact]:
        for place, row in self._rows["change"]:
            yield {"change": row["name"], "mode": row["mode"], "days": row["window_days"], "row": place}

    def _notices(self) -> Iterator[Fact]:
        for place, row in self._rows["notice"]:
            yield {
                "notice": row["notice_no"],
                "version": self._version.get(row["version_no"]),
                "kind": row["kind"],
                "asks": json.loads(row["changes"]),
                "language": json.loads(row["body"]).get("language", ""),
                "row": place,
            }

    def _postings(self) -> Iterator[Fact]:
        for place, row in self._rows["posting"]:
            yield {
                "posting": row["id"],
                "version": self._version.get(row["version_no"]),
                "place": row["place"],
                "kind": row["kind"],
                "target": row["target"],
                "sha256": row["sha256"],
                "recorded_at": moment(row["recorded_at"]),
                "row": place,
            }

    def _posting_events(self) -> Iterator[Fact]:
        ids = {row["posting_no"]: row["id"] for _, row in self._rows["posting"]}
        for place, row in self._rows["posting_event"]:
            yield {
                "posting": ids.get(row["posting_no"]),
                "outcome": row["outcome"],
                "at": moment(row["happened_at"]),
                "detail": row["detail"],
                "row": place,
            }

    def _sent(self) -> Iterator[Fact]:
        for place, row in self._rows["sent"]:
            yield {
                "notice": row["notice_no"],
                "first": row["lo"],
                "last": row["hi"],
                "sha256": row["form_sha256"],
                "row": place,
            }

    def _acceptances(self) -> Iterator[Fact]:
        for place, row in self._rows["admission"]:
            version = self._version.get(row["version_no"]) if row["version_no"] else None
            how = "accepted" if row["version_no"] else "known since"
            yield {"how": how, "version": version, "at": moment(row["admitted_at"]), "row": place}

    def _choices(self) -> Iterator[Fact]:
        for place, row in self._rows["choice"]:
            yield {
                "scope": "subject" if row["subject_no"] & _LOCAL else "customer",
                "change": self._practice.get(row["practice_no"]),
                "answer": _ANSWERS[row["answer"]],
                "at": moment(row["given_at"]),
                "sequence": row["seq"],
                "row": place,
            }

    def _acknowledgements(self) -> Iterator[Fact]:
        for place, row in self._rows["acknowledgement"]:
            version = self._version.get(row["version_no"])
            yield {"version": version, "at": moment(row["seen_at"]), "row": place}

    def _objections(self) -> Iterator[Fact]:
        for place, row in self._rows["objection"]:
            version = self._version.get(row["version_no"])
            stands = bool(row["stands"])
            yield {"version": version, "at": moment(row["objected_at"]), "stands": stands, "row": place}

    def _deliveries(self) -> Iterator[Fact]:
        for place, row in self._rows["delivery_event"]:
            yield {
                "nid": row["nid"],
                "event": row["event"],
                "status": row.get("status", ""),
                "at": moment(row["happened_at"]),
                "row": place,
            }

    def _tags(self) -> Iterator[Fact]:
        for place, tag in enumerate(self._part.tags):
            values = tag.values()
            slug, category = self._category.get(values["category"], (None, None))
            ref = values["ref"]
            yield {
                "policy": slug,
                "category": category,
                "record": str(ref) if ref >= 0 else self._part.names.get(ref, str(ref)),
                "collected_at": moment(values["collected_at"] * 1_000_000),
                "version": self._version.get(values["version_no"]) if values["version_no"] else None,
                "tag": place,
            }

    def _ends(self) -> Iterator[Fact]:
        for place, row in self._rows["tag_end"]:
            slug, category = self._category.get(row["category"], (None, None))
            ref = row["ref"]
            yield {
                "policy": slug,
                "category": category,
                "record": str(ref) if ref >= 0 else self._part.names.get(ref, str(ref)),
                "at": moment(row["ended_at"]),
                "row": place,
            }

    def _cuts(self) -> Iterator[Fact]:
        for place, row in self._rows["cut"]:
            yield {
                "what": row["what"],
                "first": row["first_no"],
                "last": row["last_no"],
                "gone": row["gone"],
                "rule": row["rule"],
                "row": place,
            }


def moment(microseconds: int) -> str:
    """A time of the ledger in words of ISO 8601."""
    return (_START + timedelta(microseconds=microseconds)).isoformat()
