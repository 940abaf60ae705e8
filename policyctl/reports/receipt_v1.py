# SPDX-License-Identifier: Apache-2.0
"""``policyctl.receipt/1``: what a command that writes has done, or would do."""

from __future__ import annotations

from dataclasses import dataclass

from policyctl.reports.comparing.json_v1 import Json
from policyctl.reports.words import one_line

SCHEMA = "policyctl.receipt/1"


@dataclass(frozen=True, slots=True)
class Receipt:
    """``command`` as it was called; ``counts`` of what was done, by name; ``written``: files and
    version refs; ``remarks``: what a person should look at; ``next`` what to do now.
    """

    command: str
    dry_run: bool = False
    counts: tuple[tuple[str, int], ...] = ()
    written: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    next: str = ""


def receipt_json(receipt: Receipt) -> Json:
    """The receipt as plain dicts and lists."""
    return {
        "schema": SCHEMA,
        "command": receipt.command,
        "dry_run": receipt.dry_run,
        "counts": [{"name": name, "number": number} for name, number in receipt.counts],
        "written": list(receipt.written),
        "remarks": list(receipt.remarks),
        "next": receipt.next,
    }


def receipt_text(receipt: Receipt) -> str:
    """The receipt for a person."""
    lines = [", ".join(f"{number} {name}" for name, number in receipt.counts)] if receipt.counts else []
    verb = "would write" if receipt.dry_run else "written"
    lines += [f"{verb}: {one_line(path)}" for path in receipt.written]
    lines += [f"note: {one_line(remark)}" for remark in receipt.remarks]
    if receipt.dry_run:
        lines.append("nothing was done (--dry-run)")
    elif receipt.next:
        lines.append(f"next: {receipt.next}")
    return "\n".join(lines or ["nothing to do"]) + "\n"
