# SPDX-License-Identifier: Apache-2.0
"""The founding policy, a plain text of 2014, through the whole job, by the commands a person would use.

1. ``new --from`` gives Markdown whose clauses are the text's own headings, with every word kept, the
   numbered list as a list, and the effective date the text names.
2. That is published, a clause is edited, the edit is published.
3. The administrator's mail holds the full revised text.

The 23 headings are the short lines that stand alone above a paragraph (or above another such line),
the document's title above them all not counted: it is the ``title`` of the front matter. The text is
not part of this repository; it is looked for in ``../shared/seed`` or where ``POLICYCTL_SEED`` points.
Without it this script says so and ends well.
"""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "efax-developer-privacy-policy-2014.txt"
SEED = Path(os.environ.get("POLICYCTL_SEED", ROOT.parent / "shared" / "seed")) / NAME
HEADINGS = 23
EFFECTIVE = "2014-07-24"
ITEMS = 4
SLUG = "efax"
ADDED = "We keep a list of everybody who asked us not to write."
SENDER = {"reply_to": "privacy@example.com", "postal_address": "Example Ltd, 1 Sample Street, Exampletown"}
CUSTOMERS = "customer,name,admin_email,admin_name,locale\nacme,Acme Ltd,admin@acme.example.com,Ada Admin,en\n"


def run(folder: Path, *words: str, fine: tuple[int, ...] = (0,)) -> str:
    """A command of policyctl, or of git, in the scratch repository; its output."""
    program = list(words) if words[0] == "git" else [sys.executable, "-m", "policyctl", *words]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode not in fine:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def words_of(text: str) -> Counter[str]:
    """How often each word, sign and number stands in a text."""
    return Counter(re.findall(r"\S+", text))


def begin(folder: Path) -> Path:
    """A repository with one customer and the founding text as a policy; the path of the policy."""
    run(folder, "git", "init", "--quiet")
    for key, value in {
        "user.name": "Example Legal",
        "user.email": "legal@example.com",
        "tag.gpgSign": "false",
    }.items():
        run(folder, "git", "config", key, value)
    run(folder, "init")
    settings = (folder / "policyctl.toml").read_text("utf-8")
    for key, value in SENDER.items():
        settings = settings.replace(f'{key} = ""', f'{key} = "{value}"')
    (folder / "policyctl.toml").write_text(settings, "utf-8")
    run(folder, "new", SLUG, "--from", str(SEED))
    (folder / "customers.csv").write_text(CUSTOMERS, "utf-8")
    return folder / "policies" / SLUG / "policy.md"


def look_at_import(folder: Path, policy: Path) -> None:
    """Step 1."""
    source, made = SEED.read_text("utf-8"), policy.read_text("utf-8")
    clauses = json.loads(run(folder, "clauses", str(policy), "--format", "json"))["clauses"]
    headings = [clause["heading"] for clause in clauses if clause["heading"]]
    own = [line for line in source.splitlines() if line in set(headings)]
    lost = words_of(source) - words_of(made)
    items = re.findall(r"^\d\. \S", made, re.MULTILINE)
    counts = f"headings {len(headings)}, words lost {lost.total()}, list items {len(items)}"
    print(counts)
    assert len(headings) == HEADINGS, headings
    assert headings == own, "a heading is not a line of the text, or not in its order"
    assert not lost, lost
    assert len(items) == ITEMS
    assert f"effective: {EFFECTIVE}\n" in made


def publish(folder: Path, message: str) -> None:
    """Commit what there is, publish it, write the mails that are owed."""
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", message)
    run(folder, "publish", SLUG, "--yes")
    run(folder, "notify")


def edit(policy: Path) -> str:
    """Step 2: one sentence more under Service Announcements, and what publishing asks for. The new body."""
    day = (datetime.now(UTC) + timedelta(days=45)).date()  # noqa: TID251 - a script reads the clock itself
    front = (
        f"effective: {day}\nchange:\n  class: notice\n  decided_by: legal@example.com\n"
        "  summary: We keep a list of those who do not want mail.\n"
    )
    text = policy.read_text("utf-8").replace(f"effective: {EFFECTIVE}\n", front)
    text = text.replace("\n\n### Customer Service", f" {ADDED}\n\n### Customer Service")
    assert ADDED in text
    policy.write_text(text, "utf-8")
    return text.split("\n---\n", 1)[1]


def look_at_mail(folder: Path, body: str) -> None:
    """Step 3."""
    mails = sorted((folder / ".policyctl" / "outbox").glob("*.eml"))
    read = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in mails]
    mine = [mail for mail in read if "admin@acme.example.com" in str(mail["To"])]
    assert len(mine) == 1, f"{len(mine)} mails to the administrator"
    part = mine[0].get_body(("plain",))
    assert part is not None
    plain = re.sub(r"\W+", " ", part.get_content())
    bare = re.sub(r" \{#[^}]*\}", "", body)
    shown = [re.sub(r"\W+", " ", line).strip() for line in bare.splitlines()]
    missing = [line for line in shown if line and line not in plain]
    print(f"mail of {len(plain.split())} words, lines of the revised text missing in it: {len(missing)}")
    assert not missing, missing[:3]


def main() -> None:
    if not SEED.exists():
        print(f"no founding text at {SEED}: nothing was tried")
        return
    with tempfile.TemporaryDirectory(prefix="policyctl-seed-") as name:
        folder = Path(name)
        policy = begin(folder)
        look_at_import(folder, policy)
        run(folder, "sync")
        run(folder, "customers", "import", "customers.csv")
        publish(folder, "The policy of 2014")
        body = edit(policy)
        publish(folder, "A sentence more")
        look_at_mail(folder, body)
    print("the founding text went through the whole job")


if __name__ == "__main__":
    main()
