# SPDX-License-Identifier: Apache-2.0
"""One company takes over another, told through the command line from the draft to the last answer."""

from __future__ import annotations

from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

import pytest

from policyctl.cli import printing
from policyctl.core.policy import VersionKey
from policyctl.core.records import change_name
from tests.adapters.ledger_samples import KEY, day
from tests.cli.run import inside, said
from tests.repos import Repo, make_repo

SETTINGS = """\
[ledger]
url = "sqlite:///ledger.db"
[mail]
mailer = "folder"
folder = "outbox"
from = "privacy@fax.example.com"
reply_to = "privacy@fax.example.com"
postal_address = "Example Fax, 1 Sample Street, Exampletown"
[site]
folder = "site"
base_url = "https://fax.example.com/privacy"
"""
OURS = """\
## Who we are {#who}

Example Fax is operated by Example Fax Ltd, 1 Sample Street, Exampletown.

## Your account {#account}

We collect your e-mail address and your telephone number, and use them to run your account.
"""
THEIRS = """\
## Who we are {#who}

Example Fax is operated by Example Cloud Ltd, 9 Specimen Road, Exampleville. Example Fax Ltd, which operated
it before, was acquired by Example Cloud Ltd on 1 May 2026.

## Your account {#account}

We collect your e-mail address and your telephone number, and use them to run your account.

## Offers {#offers}

If you consent, we use your e-mail address to send you offers about our other products.
"""
ACCOUNT = """\
practices:
  - id: account
    clause: account
    data: [user.contact.email, user.contact.phone_number]
    purpose: essential.service
"""
OFFERS = """\
  - id: offers
    clause: offers
    data: [user.contact.email]
    purpose: marketing.communications.email
    choice: opt-in
"""
CHANGE = """\
change:
  class: {0}
  decided_by: legal@fax.example.com
  summary: On 1 May 2026 Example Cloud Ltd takes over from Example Fax Ltd, and would like to send you offers.
  impact: Your account stays as it is. Offers come only if you agree.
"""
BOTH = """\
  transition: {old_controller: Example Fax Ltd, new_controller: Example Cloud Ltd, on: 2026-05-01}
"""
BEFORE, AFTER = "2026-04-30T23:00", "2026-05-01T01:00"
SERVICE, NEWS = "essential.service", "marketing.communications.email"
EMAIL, PHONE = "user.contact.email", "user.contact.phone_number"

NOT_TOLD = "refused: no notice of a change of ownership has reached the subject; fax@v2 is in force"


class Desk:
    """Somebody at the command line, on a day that the story says."""

    def __init__(self, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
        self.repo, self._patch = repo, monkeypatch

    def on(self, moment: str) -> None:
        """The clock of the machine stands at ``moment`` from now on."""
        at = day(moment)

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return at.astimezone(tz)

        self._patch.setattr(printing, "datetime", Clock)

    def run(self, *words: str) -> str:
        done = inside(*words, cwd=self.repo.root)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *words: str, code: int) -> str:
        done = inside(*words, cwd=self.repo.root)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def write(self, effective: str, change: str, text: str, practices: str) -> None:
        head = f"---\ntitle: Example Fax Privacy Policy\neffective: {effective}\n{change}---\n\n"
        files = {"policies/fax/policy.md": head + text, "policies/fax/practices.yaml": practices}
        self.repo.commit("Write the policy", files)

    def table(self, words: tuple[str, ...], columns: str, *rows: str) -> None:
        (self.repo.root / "rows.csv").write_text("\n".join((columns, *rows, "")), "utf-8")
        self.run(*words, str(self.repo.root / "rows.csv"))

    def mails(self, to: str) -> dict[str, EmailMessage]:
        """The mails to somebody, by nid."""
        found = {
            path.stem: cast("EmailMessage", message_from_bytes(path.read_bytes(), policy=default))
            for path in sorted((self.repo.root / "outbox").glob("*.eml"))
        }
        return {nid: mail for nid, mail in found.items() if to in mail["To"]}

    def asks(self, who: str, purpose: str, *, at: str = AFTER, category: str = EMAIL) -> str:
        """The answer, and in words what it rests on."""
        words = ("--subject", who, "--category", category, "--purpose", purpose, "--at", at)
        done = inside("may-use", *words, "--format", "json", cwd=self.repo.root)
        found = said(done, "decision")
        assert done.returncode == {"permitted": 0, "refused": 11, "undecided": 12}[found["answer"]]
        return f"{found['answer']}: {found['reasons'][-1]['text']}"

    def under(self, who: str, category: str) -> str:
        """The version that the data was collected under."""
        words = ("--subject", who, "--category", category, "--purpose", SERVICE, "--at", "2026-05-02")
        (tag,) = said(inside("may-use", *words, "--format", "json", cwd=self.repo.root), "decision")["tags"]
        return str(tag["version"])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The first version is out, one customer has three users, and each has given an e-mail address."""
    repo = make_repo(tmp_path / "policies")
    repo.commit(
        "Settings", {"policyctl.toml": SETTINGS, ".gitignore": "ledger.db*\nkey*\noutbox\nsite\nrows.csv\n"}
    )
    monkeypatch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())
    desk = Desk(repo, monkeypatch)
    desk.on("2026-01-05")
    desk.write("2026-01-06", "", OURS, ACCOUNT)
    desk.run("publish", "fax", "--yes")
    desk.on("2026-02-01")
    columns = "customer,name,admin_email,admin_name,locale"
    desk.table(("customers", "import"), columns, "acme,Acme,ada@acme.example.com,Ada,en")
    people = [f"{who},acme,{who}@users.example.com,en,2026-01-10" for who in ("ana", "ben", "cleo")]
    desk.table(("subjects", "import"), "subject,customer,email,locale,known_since", *people)
    tags = [f"{who},{EMAIL},account,2026-01-20,fax,".removesuffix("fax,") for who in ("ana", "ben", "cleo")]
    desk.table(("tags", "import"), "subject,category,record,collected_at,version", *tags)
    desk.on("2026-03-02")
    return desk


def test_it_is_not_published_without_class_controllers_and_day_nor_too_late(desk: Desk) -> None:
    both, takes_over = ACCOUNT + OFFERS, CHANGE.format("transition")
    attempts = (
        ("2026-05-01", CHANGE.format("choice"), 1, ("PC211", "class: transition")),
        ("2026-05-01", takes_over, 3, ("policy.md:5", "from whom to whom", "old_controller:")),
        (
            "2026-05-01",
            takes_over + BOTH.replace("new_controller: Example Cloud Ltd, ", ""),
            3,
            ("new_controller",),
        ),
        ("2026-05-01", takes_over + BOTH.replace(", on: 2026-05-01", ""), 3, ("change.transition.on",)),
        ("2026-05-04", takes_over + BOTH, 3, ("control passes on 2026-05-01", "effective: 2026-05-01")),
        ("2026-03-20", takes_over + BOTH.replace("2026-05-01", "2026-03-20"), 1, ("PC212", "2026-04-01")),
    )
    for effective, change, code, words in attempts:
        desk.write(effective, change, THEIRS, both)
        error = desk.refused("publish", "fax", "--yes", code=code)
        assert [word for word in words if word not in error] == []
    assert "fax/v2" not in desk.repo.git("tag")
    assert not (desk.repo.root / "outbox").exists()


def test_everybody_is_told_before_and_asked_and_what_was_promised_stays_with_the_data(desk: Desk) -> None:
    desk.write("2026-05-01", CHANGE.format("transition") + BOTH, THEIRS, ACCOUNT + OFFERS)
    plan = said(inside("publish", "fax", "--plan", "--format", "json", cwd=desk.repo.root), "plan")
    assert {one["notice"]: one["addressees"] for one in plan["audiences"]} == {
        "revision": 1,
        "transition": 3,
        "choice": 3,
    }
    desk.run("publish", "fax", "--yes")
    desk.run("notify")

    # Both mails of a user, and the administrator's, have left two months ahead.
    for nid, mail in (*desk.mails("ana@").items(), *desk.mails("ada@").items()):
        assert mail["Date"].datetime < day("2026-05-01"), nid
    by_kind = {_kind(mail): nid for nid, mail in desk.mails("ana@").items()}
    assert set(by_kind) == {"transition", "choice"}, [str(m["Subject"]) for m in desk.mails("ana@").values()]
    text = desk.mails("ana@")[by_kind["transition"]].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert [w for w in ("Example Fax Ltd", "Example Cloud Ltd", "1 May 2026") if w not in text] == []

    # Ana and Ben get theirs, Cleo's come back. Ana agrees to the offers, Ben does not.
    desk.on("2026-03-03")
    reports = [
        f"{nid},{'bounced' if 'cleo' in mail['To'] else 'delivered'},2026-03-02T12:00:00Z"
        for who in ("ana@", "ben@", "cleo@")
        for nid, mail in desk.mails(who).items()
    ]
    desk.table(("deliveries", "import"), "nid,event,at", *reports)
    offers = change_name(VersionKey("fax", 2), "offers")
    desk.run("choose", offers, "consent", "--subject", "ana")
    desk.run("choose", offers, "refuse", "--subject", "ben")
    owed = desk.refused("status", "fax", code=1)
    assert "1 transition notice came back, so not given" in owed

    # Until the day nothing changes for anybody; from then on only those who were told pass over.
    for who in ("ana", "ben", "cleo"):
        assert desk.asks(who, SERVICE, at=BEFORE) == "permitted: fax@v1 states this use"
        assert desk.asks(who, NEWS, at=BEFORE) == "refused: this use is not stated in fax@v1"
    for who in ("ana", "ben"):
        assert desk.asks(who, SERVICE) == "permitted: fax@v2 states this use"
    assert (
        desk.asks("ana", NEWS) == "permitted: fax@v2 states this use, and the subject consented on 2026-03-03"
    )
    assert desk.asks("ben", NEWS) == "refused: the subject answered refuse to fax@v2#offers on 2026-03-03"
    for purpose in (SERVICE, NEWS):
        assert desk.asks("cleo", purpose) == NOT_TOLD

    # What is collected from that day on is the new owner's own, and has its promise.
    desk.on("2026-05-02")
    for who in ("ana", "ben", "cleo"):
        new = ("--record", "hotline", "--collected-at", "2026-05-01T00:00", "--policy", "fax")
        desk.run("tags", "add", "--subject", who, "--category", PHONE, *new)
        assert desk.asks(who, SERVICE, at="2026-05-02", category=PHONE) == "permitted: fax@v2 states this use"
    assert desk.under("cleo", PHONE) == "fax@v2"
    assert desk.under("cleo", EMAIL) == "fax@v1"

    # Cleo signs in, reads who is there now and accepts: that is being told, and is no yes to offers.
    desk.run("accept", "fax@v2", "--subject", "cleo")
    assert desk.asks("cleo", SERVICE, at="2026-05-03") == "permitted: fax@v2 states this use"
    assert desk.asks("cleo", NEWS, at="2026-05-03").startswith("refused: fax@v2 brought this use")
    assert desk.asks("cleo", SERVICE) == NOT_TOLD  # as it was on the first of May


def _kind(mail: EmailMessage) -> str:
    return "choice" if "your choice" in str(mail["Subject"]) else "transition"
