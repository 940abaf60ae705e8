# SPDX-License-Identifier: Apache-2.0
"""Names and addresses as files really hold them: what enters, what is one person, what is refused and how."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from policyctl.actions.recording import imports
from policyctl.adapters.ledger import Ledger
from policyctl.core.records import ImportReceipt
from policyctl.errors import InputError, InputErrors, PolicyctlError
from tests.adapters.ledger_samples import day
from tests.ledgers import new_ledger

NOW = day("2026-11-01")
CUSTOMERS = "customer,name,admin_email,admin_name,locale\n"
SUBJECTS = "subject,customer,email,locale,known_since\n"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with new_ledger(tmp_path / "ledger.db") as opened:
        yield opened


def load(ledger: Ledger, header: str, *lines: str) -> ImportReceipt:
    content = (header + "\n".join(lines) + "\n").encode()
    action = imports.import_customers if header == CUSTOMERS else imports.import_subjects
    return action(content, file="rows.csv", now=NOW, ledger=ledger)


def addresses(ledger: Ledger) -> list[str]:
    with ledger._engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT email FROM address ORDER BY subject_no, position"))
        return [row.email for row in rows]


def told(error: PolicyctlError) -> set[str | None]:
    errors = error.errors if isinstance(error, InputErrors) else (error,)
    assert all(each.hint for each in errors)
    return {each.place.key for each in errors if each.place}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ada@acme.example.com", "Ada@acme.example.com"),
        ("Ada@Acme.Example.COM", "ADA@acme.example.com"),
        ("ada@bücher.example.com", "ada@BÜCHER.example.com"),
        ("ada@bücher.example.com", "ada@xn--bcher-kva.example.com"),
    ],
)
def test_addresses_that_differ_in_how_they_are_written_are_one_contact(
    ledger: Ledger, first: str, second: str
) -> None:
    row = "acme,Acme Ltd,{},Ada,en"
    assert load(ledger, CUSTOMERS, row.format(first), row.format(second)) == ImportReceipt(1, 1)
    assert load(ledger, CUSTOMERS, row.format(second)) == ImportReceipt(0, 1)
    assert len(addresses(ledger)) == 1
    assert load(ledger, SUBJECTS, f"u1,acme,{first},en,") == ImportReceipt(1, 0)
    assert load(ledger, SUBJECTS, f"u1,acme,{second},en,") == ImportReceipt(0, 1)


def test_one_address_under_two_names_is_asked_about(ledger: Ledger) -> None:
    with pytest.raises(InputError) as raised:
        load(ledger, CUSTOMERS, "acme,Acme,ada@example.com,Ada,en", "acme,Acme,ADA@example.com,Bob,en")
    assert told(raised.value) == {"admin_name"}
    assert addresses(ledger) == []


@pytest.mark.parametrize("bad", ["\r\nBcc: eve@example.org", "\n", "\r", "\0", "\x1b[31m", "\u2028", "\x85"])
@pytest.mark.parametrize("column", ["customer", "name", "admin_email", "admin_name", "locale"])
def test_a_line_break_or_control_character_is_refused_where_it_stands(
    ledger: Ledger, column: str, bad: str
) -> None:
    cells = {
        "customer": "acme",
        "name": "Acme",
        "admin_email": "ada@example.com",
        "admin_name": "Ada",
        "locale": "en-GB",
    }
    cells[column] = f"{cells[column][:2]}{bad}{cells[column][2:]}"
    with pytest.raises(InputError) as raised:
        load(ledger, CUSTOMERS, ",".join(f'"{cell}"' for cell in cells.values()))
    assert told(raised.value) & {column, None}
    assert "eve@" not in str(raised.value)
    assert addresses(ledger) == []


@pytest.mark.parametrize(
    "address",
    ["", "ada", "ada@", "@example.com", "ada@example..com", "a b@example.com", "αδα@example.com",
     "ada@example.com,bob@example.com", "Ada <ada@example.com>", "ada@[127.0.0.1]", "ada@" + "x" * 70],
)  # fmt: skip
def test_an_administrator_without_an_address_that_takes_mail_is_refused_with_the_mend(
    ledger: Ledger, address: str
) -> None:
    with pytest.raises(InputError) as raised:
        load(ledger, CUSTOMERS, f'acme,Acme,"{address}",Ada,en')
    assert told(raised.value) == {"admin_email"}
    assert addresses(ledger) == []
