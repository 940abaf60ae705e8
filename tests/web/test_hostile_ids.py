# SPDX-License-Identifier: Apache-2.0
"""Ids that break careless programs, through every door: a file, the Python API, HTTP. Each comes back as it
went in, or is refused with what is wrong and the mend; all doors hold to one rule.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from policyctl import api
from policyctl.actions.recording import record
from policyctl.core.policy import VersionKey
from policyctl.core.use.question import UseAnswer
from policyctl.errors import PolicyctlError, UsageError
from tests.adapters.ledger_samples import KEY, day
from tests.cli.run import inside
from tests.web.service import CHANGE, EMAIL, NOW, SERVICE, Caller, make_repository, new_key, problem, serving

TAKEN = {
    "slash": "a/b/../c",
    "percent": "a%2Fb%00",
    "NFC": "caf\u00e9",
    "NFD": "caf\u0065\u0301x",
    "SQL": "'; DROP TABLE tag_1; --",
    "marks": "? %s :name $1 {x} ?*",
    "quotes": "\"a\" 'b' `c` \\",
    "comma": "a,b;c",
    "longest": "x" * 200,
    "letters of four bytes": "\U0001f4e0\U00010348",
    "like a number": "007",
    "a large number": "9" * 30,
    "below zero": "-1",
    "formula": "=1+1",
    "an option": "--record",
    "right to left": "\u0627\u0628",
    "a word of JSON": "null",
    "invisible": "a\u200bb",
}
REFUSED = {
    "10 KB": "x" * 10_240,
    "one too long": "x" * 201,
    "NUL": "a\0b",
    "line break": "a\nb",
    "carriage return": "a\r\nSet-Cookie: x",
    "half a letter": "a\ud800b",
    "escape": "a\x1b[2Jb",
    "C1 control": "a\x85b",
    "line separator": "a\u2028b",
    "empty": "",
    "blank": " ",
}
Door = Callable[[str, str], None]  # tags the record of a subject, or raises RefusalError


class RefusalError(Exception):
    """What a door said."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("hostile") / "policies")


@pytest.fixture(scope="module")
def caller(root: Path) -> Iterator[Caller]:
    with serving(root) as running, running.client(new_key(root, customer="acme")) as found:
        yield found


@pytest.fixture(scope="module")
def opened(root: Path) -> Iterator[api.OpenLedger]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())
        with api.open_ledger(root) as ledger:
            yield ledger


@pytest.fixture(params=["file", "lines", "api", "http"])
def door(request: pytest.FixtureRequest, root: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())

    def by_file(subject: str, record: str) -> None:
        row = {"subject": subject, "category": EMAIL, "record": record, "collected_at": "2026-02-01"}
        if request.param == "file":
            name, text = "tags.csv", as_csv(row)
        else:
            name, text = "tags.jsonl", json.dumps(row) + "\n"
        (root / name).write_bytes(text.encode("utf-8", "surrogatepass"))
        run = inside("tags", "import", name, "--customer", "acme", cwd=root)
        assert "Traceback" not in run.stderr
        if run.returncode:
            assert run.returncode == 3, run.stderr
            raise RefusalError(run.stderr)

    def by_api(subject: str, record: str) -> None:
        ledger: api.OpenLedger = request.getfixturevalue("opened")
        try:
            ledger.tag(subject, EMAIL, record, collected_at=day("2026-02-01"), customer="acme")
        except PolicyctlError as error:
            raise RefusalError(f"{error} {error.hint}") from error

    def by_http(subject: str, record: str) -> None:
        caller: Caller = request.getfixturevalue("caller")
        body = {
            "subject": subject, "category": EMAIL, "record": record, "collected_at": "2026-02-01T00:00:00Z",
        }  # fmt: skip
        found = caller.post("/v1/tags", body)
        if found.status_code not in {200, 201}:
            assert found.status_code == 422, found.text
            raise RefusalError(found.text)

    return {"file": by_file, "lines": by_file, "api": by_api, "http": by_http}[request.param]


def as_csv(row: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerow(row)
    return text.getvalue()


def enter_subject(root: Path, subject: str) -> Any:
    row = {"subject": subject, "customer": "acme", "email": "", "locale": "", "known_since": "2026-01-02"}
    (root / "subjects.csv").write_bytes(as_csv(row).encode("utf-8", "surrogatepass"))
    return inside("subjects", "import", "subjects.csv", cwd=root)


def records_of(subject: str, opened: api.OpenLedger, caller: Caller) -> list[str]:
    """The names of a subject's records, the same by both doors that answer."""
    decision = opened.may_use(subject, EMAIL, SERVICE, customer="acme")
    found = caller.post("/v1/decisions", {"subject": subject, "category": EMAIL, "purpose": SERVICE}).json()
    names = [tag.record for tag in decision.tags]
    assert [tag["record"] for tag in found["tags"]] == names
    return names


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
def test_an_id_comes_back_as_it_went_in(
    text: str, door: Door, root: Path, opened: api.OpenLedger, caller: Caller
) -> None:
    run = enter_subject(root, text)
    assert run.returncode == 0, run.stderr
    door(text, text)
    assert records_of(text, opened, caller) == [text]


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("where", ["subject", "record"])
def test_what_cannot_be_an_id_is_refused_and_nothing_enters(
    text: str, where: str, door: Door, opened: api.OpenLedger, caller: Caller
) -> None:
    before = records_of("u2", opened, caller)
    with pytest.raises(RefusalError) as raised:
        door(text if where == "subject" else "u2", text if where == "record" else "plain")
    said = str(raised.value)
    assert where in said or "UTF-8" in said or "NUL" in said
    assert len(said) < 2_000
    assert not any(unicodedata.category(each) == "Cc" for each in said.replace("\n", ""))
    assert records_of("u2", opened, caller) == before


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_nobody_is_asked_about_and_nobody_answers_under_what_cannot_be_an_id(
    text: str, opened: api.OpenLedger, caller: Caller
) -> None:
    """In process the question is refused or undecided, over HTTP it is refused; no answer is recorded."""
    with contextlib.suppress(UsageError):
        assert opened.may_use(text, EMAIL, SERVICE, customer="acme").answer is UseAnswer.UNDECIDED
    question = {"subject": text, "category": EMAIL, "purpose": SERVICE}
    problem(caller.post("/v1/decisions", question), 422, "invalid-request")
    said = {"at": NOW, "now": NOW, "ledger": opened._ledger}
    for attempt in (
        lambda: record.choose(CHANGE, "consent", subject=text, within="acme", **said),
        lambda: record.choose(CHANGE, "consent", customer=text, **said),
        lambda: record.accept(text, VersionKey("fax", 2), within="acme", **said),
    ):
        with pytest.raises(PolicyctlError) as raised:
            attempt()
        assert raised.value.exit_code in {2, 3}
        assert raised.value.hint


def test_two_ways_to_write_one_letter_are_one_person_and_one_record(
    root: Path, opened: api.OpenLedger, caller: Caller
) -> None:
    """Systems differ in how they write it: what is the same to a reader must not be two people."""
    composed, apart = "zo\u00eb", "zoe\u0308"
    assert enter_subject(root, composed).returncode == 0
    assert opened.tag(composed, EMAIL, composed, collected_at=day("2026-02-01"), customer="acme")
    body = {"subject": apart, "category": EMAIL, "record": apart, "collected_at": "2026-02-01T00:00:00Z"}
    assert caller.post("/v1/tags", body).json() == {"added": 0, "repeated": 1}
    assert records_of(apart, opened, caller) == records_of(composed, opened, caller) == [composed]
