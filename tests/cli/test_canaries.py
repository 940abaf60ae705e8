# SPDX-License-Identifier: Apache-2.0
"""Addresses, names and secrets go where they are needed and into nothing that is shown: words that stand
nowhere else are put into every flow, sound and broken, and looked for in all that was said.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.run import inside
from tests.desk import SLUG, Desk

EMAIL = "canary-4711@canary.example.org"
NAME = "Quillfeather Canaryson"
SENDGRID, SMTP, DATABASE = "SG.canary-sendgrid-key", "canary-smtp-word", "canary-database-word"
SECRETS = {
    "an address": "canary-4711",
    "a name": "Quillfeather",
    "the key of SendGrid": "canary-sendgrid",
    "the password of the mail server": "canary-smtp",
    "the password of the database": "canary-database",
}
CUSTOMERS = "customer,name,admin_email,admin_name,locale\n"
SUBJECTS = "subject,customer,email,locale,known_since\n"
FROM = 'from = "privacy@fax.example.com"\npostal_address = "1 Example St"\n'
SENDERS = (
    f'[mail]\nmailer = "smtp"\n{FROM}[mail.smtp]\nhost = "127.0.0.1"\nport = 9\nuser = "fax"\n',
    f'[mail]\nmailer = "sendgrid"\n{FROM}[mail.sendgrid]\nhost = "http://127.0.0.1:9"\n',
)
BAD = {
    "address": f"{CUSTOMERS}c9,Canary Ltd,canary-4711@@canary.example.org,{NAME},en\n",
    "no host": f"{CUSTOMERS}c9,Canary Ltd,canary-4711,{NAME},en\n",
    "line end": f'{CUSTOMERS}c9,Canary Ltd,"canary-4711@canary.example.org\nBcc: x@example.com",{NAME},en\n',
    "language": f"{CUSTOMERS}c9,Canary Ltd,{EMAIL},{NAME},klingon\n",
    "name": f"{CUSTOMERS}c9,Canary Ltd,{EMAIL},{NAME}\x07,en\n",
    "columns": f"{CUSTOMERS}c9,Canary Ltd,{EMAIL},{NAME}\n",
    "no such column": f"customer,name,e-mail\nc9,{NAME},{EMAIL}\n",
    "twice": f"{CUSTOMERS}c9,Canary Ltd,{EMAIL},{NAME},en\nc9,Other Ltd,{EMAIL},{NAME},en\n",
    "quote": f'{CUSTOMERS}c9,Canary Ltd,"{EMAIL},{NAME},en\n',
}


class Listener:
    """Runs commands, and keeps all that they say."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.heard: list[tuple[str, str]] = []

    def run(self, *words: str) -> int:
        done = inside(*words, cwd=self._folder)
        self.heard.append((" ".join(words), done.stdout + done.stderr))
        if done.returncode:  # with where it came from, too
            again = inside("--debug", *words, cwd=self._folder)
            self.heard.append((" ".join(words), again.stdout + again.stderr))
        return done.returncode

    def assert_silent(self) -> None:
        told = [
            (words, what) for words, said in self.heard for what, canary in SECRETS.items() if canary in said
        ]
        assert told == []


@pytest.fixture
def listener(published: Desk, monkeypatch: pytest.MonkeyPatch) -> Listener:
    monkeypatch.setenv("SENDGRID_API_KEY", SENDGRID)
    monkeypatch.setenv("POLICYCTL_SMTP_PASSWORD", SMTP)
    folder = published.folder
    (folder / "good.csv").write_text(f"{CUSTOMERS}c8,Canary Ltd,{EMAIL},{NAME},en\n", "utf-8")
    (folder / "people.csv").write_text(f"{SUBJECTS}u-8,c8,{EMAIL},en,2026-01-01\n", "utf-8")
    heard = Listener(folder)
    assert heard.run("customers", "import", "good.csv") == 0
    assert heard.run("subjects", "import", "people.csv") == 0
    return heard


def test_what_works_shows_nobody(listener: Listener, published: Desk) -> None:
    for words in (
        ("status",), ("status", "--format", "csv"), ("status", "--format", "json"), ("doctor",),
        ("notify", "--dry-run"), ("notify", "--plan"), ("notify", "--plan", "--format", "json"), ("notify",),
        ("notify", "--cancel", f"{SLUG}@v2", "--yes"), ("verify", "--allow-unsigned"), ("sync",),
        ("publish", SLUG, "--plan"), ("check",), ("site", "build"), ("ledger", "seal"),
    ):  # fmt: skip
        listener.run(*words)
    mails = [mail.read_text("utf-8") for mail in published.folder.glob(".policyctl/outbox/*.eml")]
    assert any(EMAIL in mail for mail in mails), "the canary is alive: its mail was written"
    pages = b"".join(
        page.read_bytes() for page in published.folder.glob(".policyctl/site/**/*.*") if page.is_file()
    )
    assert not any(canary.encode() in pages for canary in SECRETS.values())
    listener.assert_silent()


def test_a_row_that_is_wrong_is_named_by_its_place(listener: Listener, published: Desk) -> None:
    for name, rows in BAD.items():
        (published.folder / "bad.csv").write_text(rows, "utf-8")
        assert listener.run("customers", "import", "bad.csv") == 3, name
        assert "bad.csv" in listener.heard[-1][1], name
    listener.assert_silent()


def test_a_mail_server_that_does_not_answer_is_told_without_whom_it_kept_from_whom(
    listener: Listener, published: Desk
) -> None:
    for settings in SENDERS:
        (published.folder / "policyctl.toml").write_text(settings, "utf-8")
        assert listener.run("notify") != 0
        listener.run("status")
    listener.assert_silent()


def test_a_ledger_that_fails_is_told_without_what_is_in_it(listener: Listener, published: Desk) -> None:
    ledger = published.folder / ".policyctl/ledger.db"
    data = bytearray(ledger.read_bytes())
    for place in range(4096, len(data), 509):
        data[place] ^= 0xFF
    ledger.write_bytes(bytes(data))
    for file in published.folder.glob(".policyctl/ledger.db-*"):
        file.unlink()
    for words in (("status",), ("customers", "import", "good.csv"), ("notify",), ("doctor",), ("verify",)):
        assert listener.run(*words) != 0, words
    url = f"postgresql://fax:{DATABASE}@127.0.0.1:9/fax"
    (published.folder / "policyctl.toml").write_text(f'[ledger]\nurl = "{url}"\n', "utf-8")
    for words in (("status",), ("doctor",), ("customers", "import", "good.csv")):
        listener.run(*words)
    other = url.replace("postgresql", "mysql")
    (published.folder / "policyctl.toml").write_text(f'[ledger]\nurl = "{other}"\n', "utf-8")
    listener.run("status")
    listener.assert_silent()
