# SPDX-License-Identifier: Apache-2.0
"""``policyctl new SLUG [--from FILE]``: a new policy, from a text that is there already or to fill in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from policyctl.adapters.files import decode, read_bytes
from policyctl.adapters.new_files import create
from policyctl.core.formats.importer import (
    Imported,
    SourceKind,
    draft,
    import_html,
    import_markdown,
    import_plain,
    kind_of,
)
from policyctl.core.formats.slugs import check_slug, title_of_slug
from policyctl.core.policy import Clause
from policyctl.core.text.parse import parse
from policyctl.errors import InputError, Place, RefusedError

PRACTICES = """\
# What each clause says is done with data. The words of policy.md are compared with this list.
#
# practices:
#   - id: service-mail                    # a name of its own; choices are named after it
#     clause: contact                     # the id of a clause in policy.md
#     data: [user.contact.email]          # ids of data categories
#     purpose: essential.service.notifications.email
#     recipients: [processor.mail, {class: partner, name: Example Partner}]
#     retention: P2Y                      # ISO 8601, or plain words
#     choice: none                        # none, opt-out or opt-in
practices: []
"""


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """What was written (paths relative to the repository), and what a person should look at.

    ``kind`` is what the source was taken for, empty for a policy to fill in.
    """

    slug: str
    title: str
    effective: date | None
    kind: str
    clauses: tuple[Clause, ...]
    written: tuple[str, ...]
    remarks: tuple[str, ...]


def new(slug: str, *, root: Path, source: Path | None = None, dry_run: bool = False) -> NewPolicy:
    """Write ``policies/SLUG/policy.md`` and ``practices.yaml``, which must not be there yet.

    ``source`` is Markdown, HTML or plain text. Raises ``UsageError`` for a slug that cannot be one,
    ``InputError`` for a source that cannot be read, ``RefusedError`` when the policy is there.
    """
    check_slug(slug)
    folder = root / "policies" / slug
    if (folder / "policy.md").exists():
        hint = "edit it, or choose another slug"
        raise RefusedError(f"policies/{slug}/policy.md is there already", hint=hint)
    kind, found = ("", _to_fill_in(slug)) if source is None else _read(source, title_of_slug(slug))
    files = {"policy.md": found.text, "practices.yaml": PRACTICES}
    missing = [name for name in files if not (folder / name).exists()]
    if not dry_run:
        for name in missing:
            create(folder / name, files[name])
    written = tuple(f"policies/{slug}/{name}" for name in missing)
    return NewPolicy(slug, found.title, found.effective, kind, found.clauses, written, found.remarks)


def _to_fill_in(slug: str) -> Imported:
    title = title_of_slug(slug)
    text = draft(title)
    clauses = tuple(clause for clause in parse(text).clauses if clause.heading)
    return Imported(text, title, None, clauses, ("every clause is empty: write the policy",))


def _read(source: Path, fallback_title: str) -> tuple[str, Imported]:
    """What the source was taken for, and the policy made of it."""
    text = decode(read_bytes(source), file=str(source))
    if not text.strip().strip("\ufeff"):
        raise InputError("an empty file", hint="name a file with a policy in it", place=Place(str(source)))
    kind = kind_of(source.name, text)
    if kind is SourceKind.HTML:
        from policyctl.adapters.html_text import html_to_markdown

        page = html_to_markdown(text)
        return kind.value, import_html(page.title, page.markdown, fallback_title=fallback_title)
    if kind is SourceKind.MARKDOWN:
        return kind.value, import_markdown(text, file=str(source), fallback_title=fallback_title)
    return kind.value, import_plain(text, fallback_title=fallback_title)
