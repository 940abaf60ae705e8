# SPDX-License-Identifier: Apache-2.0
"""The HTTP service as its callers meet it: a real process, real connections."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.web.service import (
    CHANGE,
    EMAIL,
    NEWS,
    SERVICE,
    Caller,
    Running,
    make_repository,
    new_key,
    problem,
    serving,
)

TAG = {"subject": "u2", "category": EMAIL, "record": "crm-1", "collected_at": "2026-02-01T00:00:00Z"}
QUESTION = {"subject": "u2", "category": EMAIL, "purpose": SERVICE}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "policies")


@pytest.fixture
def service(root: Path) -> Iterator[Running]:
    with serving(root) as running:
        yield running


@pytest.fixture
def acme(root: Path, service: Running) -> Iterator[Caller]:
    with service.client(new_key(root, customer="acme")) as caller:
        yield caller


def test_data_is_tagged_asked_about_and_a_choice_changes_the_very_next_answer(acme: Caller) -> None:
    assert acme.answer("u2", SERVICE) == "undecided"
    assert acme.post("/v1/tags", TAG).status_code == 201
    assert acme.answer("u2", SERVICE) == "permitted"
    assert acme.answer("u2", NEWS) == "refused"
    consent = {"subject": "u2", "change": CHANGE, "answer": "consent"}
    assert acme.post("/v1/choices", consent).json() == {"added": 1, "repeated": 0}
    assert acme.answer("u2", NEWS) == "permitted"
    assert acme.post("/v1/choices", {**consent, "answer": "withdraw"}).status_code == 201
    assert acme.answer("u2", NEWS) == "refused"


def test_a_customers_refusal_binds_its_people(acme: Caller) -> None:
    acme.post("/v1/tags", TAG)
    acme.post("/v1/choices", {"subject": "u2", "change": CHANGE, "answer": "consent"})
    said = {"scope": "customer", "change": CHANGE, "answer": "refuse"}
    assert acme.post("/v1/choices", said).status_code == 201
    assert acme.answer("u2", NEWS) == "refused"


def test_a_thousand_questions_in_one_are_answered_in_their_order(acme: Caller) -> None:
    acme.post("/v1/tags", TAG)
    purposes = [SERVICE, NEWS, "nonsense"]
    asked = [{**QUESTION, "purpose": purposes[n % 3]} for n in range(1_000)]
    found = acme.post("/v1/decisions", {"requests": asked}).json()["decisions"]
    assert [each["answer"] for each in found[:3]] == ["permitted", "refused", "undecided"]
    assert [each["request"]["purpose"] for each in found] == [each["purpose"] for each in asked]
    problem(acme.post("/v1/decisions", {"requests": [*asked, QUESTION]}), 422, "invalid-request")
    problem(acme.post("/v1/decisions", {"requests": []}), 422, "invalid-request")


def test_tags_that_come_together_enter_together_or_not_at_all(acme: Caller) -> None:
    good, bad = TAG, {**TAG, "record": "crm-2", "subject": "stranger"}
    found = problem(acme.post("/v1/tags", {"tags": [good, bad]}), 422, "invalid-request")
    assert [each["pointer"] for each in found["errors"]] == ["/tags/1/subject"]
    assert acme.post("/v1/tags", {"tags": [good, {**good, "record": "2"}]}).json() == {
        "added": 2,
        "repeated": 0,
    }
    assert acme.post("/v1/tags", good).json() == {"added": 0, "repeated": 1}


def test_someone_new_accepts_a_version_and_is_known(acme: Caller) -> None:
    accepted = {"subject": "new", "version": "fax@v2", "at": "2026-04-01T00:00:00Z"}
    assert acme.post("/v1/acceptances", accepted).status_code == 201
    assert acme.post("/v1/acceptances", accepted).status_code == 200
    acme.post("/v1/tags", {**TAG, "subject": "new", "collected_at": "2026-04-02T00:00:00Z"})
    assert acme.answer("new", SERVICE) == "permitted"
    problem(acme.post("/v1/acceptances", {**accepted, "version": "fax@v9"}), 422, "invalid-request")


def test_versions_carry_an_etag(acme: Caller) -> None:
    found = acme.get("/v1/versions")
    assert [each["version"] for each in found.json()["versions"]] == ["fax@v1", "fax@v2"]
    assert found.json()["versions"][1]["changes"] == [CHANGE]
    again = acme.get("/v1/versions", if_none_match=found.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert acme.get("/v1/versions?policy=none").json() == {"versions": []}
    problem(acme.get("/v1/versions?slug=fax"), 422, "invalid-request")


# Who may do what


def test_without_a_key_that_is_in_force_nothing_opens(root: Path, service: Running) -> None:
    token = new_key(root)
    for wrong in ("", "nonsense", token[:-1] + ("A" if token[-1] != "A" else "B")):
        with service.client(wrong) as caller:
            found = caller.post("/v1/decisions", QUESTION)
            problem(found, 401, "no-key")
            assert found.headers["www-authenticate"].startswith("Bearer")


def test_a_key_does_what_its_scopes_say_and_no_more(root: Path, service: Running) -> None:
    bodies = {
        "tag": ("/v1/tags", TAG),
        "decide": ("/v1/decisions", QUESTION),
        "choose": ("/v1/acceptances", {"subject": "u2", "version": "fax@v1"}),
    }
    for scope in bodies:
        with service.client(new_key(root, scope, customer="acme")) as caller:
            for other, (path, body) in bodies.items():
                found = caller.post(path, body)
                if other == scope:
                    assert found.status_code in {200, 201}, found.text
                else:
                    problem(found, 403, "not-allowed")


def test_a_key_that_is_revoked_opens_nothing_from_the_next_request_on(root: Path, service: Running) -> None:
    from tests.cli.run import policyctl

    made = policyctl("keys", "new", "a form", "--scope", "read", cwd=root)
    with service.client(made.stdout.strip()) as caller:
        assert caller.get("/v1/versions").status_code == 200
        number = policyctl("keys", "list", cwd=root).stdout.split()[0]
        assert policyctl("keys", "revoke", number, cwd=root).returncode == 0
        problem(caller.get("/v1/versions"), 401, "no-key")


def test_the_file_of_keys_holds_no_key_and_is_its_owners(root: Path) -> None:
    token = new_key(root)
    file = root / ".policyctl" / "api-keys.json"
    assert token not in file.read_text("utf-8")
    assert token.split("_", maxsplit=2)[2] not in file.read_text("utf-8")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_of_keys_that_others_may_read_or_that_is_damaged_opens_nothing(
    root: Path, service: Running
) -> None:
    token, file = new_key(root), root / ".policyctl" / "api-keys.json"
    with service.client(token) as caller:
        file.chmod(0o644)
        file.write_text(file.read_text("utf-8") + "\n", "utf-8")
        problem(caller.post("/v1/decisions", QUESTION), 503, "unavailable")
        problem(caller.get("/readyz"), 503, "unavailable")
        file.chmod(0o600)
        file.write_text("{}", "utf-8")
        problem(caller.post("/v1/decisions", QUESTION), 503, "unavailable")


def test_customers_never_see_each_other(root: Path, service: Running, acme: Caller) -> None:
    """Both have a u1, only acme has a u2; what bolt hears of u2 is what it hears of anybody unknown."""
    assert acme.post("/v1/tags", {**TAG, "subject": "u1"}, once="same-key").status_code == 201
    acme.post("/v1/tags", TAG)
    with service.client(new_key(root, customer="bolt")) as bolt:
        assert acme.answer("u1", SERVICE) == "permitted"
        assert bolt.answer("u1", SERVICE) == "undecided"
        for path, body in (
            ("/v1/decisions", {**QUESTION, "at": "2026-11-02T00:00:00Z"}),
            ("/v1/tags", TAG),
            ("/v1/choices", {"subject": "u2", "change": CHANGE, "answer": "consent"}),
        ):
            theirs = bolt.post(path, body)
            nobodys = bolt.post(path, {**body, "subject": "nobody"})
            assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)
            for named in ("acme", "no-such"):
                problem(bolt.post(path, {**body, "customer": named}), 403, "not-allowed")
        # An id of its own that another has, too; a key of a request that another used.
        assert bolt.post("/v1/acceptances", {"subject": "u2", "version": "fax@v2"}).status_code == 201
        assert bolt.post("/v1/tags", {**TAG, "subject": "u1"}, once="same-key").json()["added"] == 1
        assert acme.answer("u2", SERVICE) == "permitted"
        refusal = {"scope": "customer", "change": CHANGE, "answer": "refuse", "customer": "acme"}
        problem(bolt.post("/v1/choices", refusal), 403, "not-allowed")
        problem(bolt.get("/metrics"), 403, "not-allowed")


def test_an_answer_names_the_head_it_was_read_at_to_who_may_see_the_whole_ledger(
    root: Path, service: Running, acme: Caller
) -> None:
    question = {"subject": "u2", "category": EMAIL, "purpose": SERVICE}
    assert acme.post("/v1/tags", TAG).status_code == 201
    with service.client(new_key(root)) as caller:
        first, second = (caller.post("/v1/decisions", question).json() for _ in range(2))
        together = caller.post("/v1/decisions", {"requests": [question] * 2}).json()["decisions"]
        assert acme.post("/v1/choices", {"subject": "u2", "change": CHANGE, "answer": "consent"}).is_success
        later = caller.post("/v1/decisions", question).json()
    assert first["ledger"] == second["ledger"] == together[0]["ledger"] == together[1]["ledger"]
    assert later["ledger"]["entry"] == first["ledger"]["entry"] + 1
    assert later["ledger"]["root"] != first["ledger"]["root"]
    # How far the ledger has come tells a customer what others do.
    assert acme.post("/v1/decisions", question).json()["ledger"] is None


def test_a_key_of_the_whole_ledger_names_the_customer_where_an_id_is_twos(
    root: Path, service: Running
) -> None:
    with service.client(new_key(root)) as caller:
        found = problem(caller.post("/v1/decisions", {**QUESTION, "subject": "u1"}), 422, "invalid-request")
        assert "customer" in found["errors"][0]["hint"]
        assert caller.answer("u1", SERVICE, customer="acme") == "undecided"


# Once and only once


def test_a_write_with_a_key_is_done_once_and_answered_alike(root: Path, acme: Caller) -> None:
    now = {"subject": "u2", "category": EMAIL, "record": "today"}
    first, again = (acme.post("/v1/tags", now, once="k-1") for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content) == (201, first.content)
    problem(acme.post("/v1/tags", {**now, "record": "other"}, once="k-1"), 422, "key-reused")
    choice = {"subject": "u2", "change": CHANGE, "answer": "consent"}
    problem(acme.post("/v1/choices", choice, once="k-1"), 422, "key-reused")
    assert [acme.post("/v1/choices", choice, once="k-2").status_code for _ in range(2)] == [201, 201]
    with sqlite3.connect(root / "ledger.db") as database:
        assert database.execute("SELECT count(*) FROM choice").fetchone() == (1,)
    problem(acme.post("/v1/tags", now, once="with blank"), 400, "bad-header")


def test_a_key_outlives_the_process(root: Path) -> None:
    token = new_key(root, customer="acme")
    accepted = {"subject": "u2", "version": "fax@v2"}
    answers = []
    for _ in range(2):
        with serving(root) as running, running.client(token) as caller:
            answers.append(caller.post("/v1/acceptances", accepted, once="k-3"))
            running.process.kill()
    assert [(each.status_code, each.json()["added"]) for each in answers] == [(201, 1), (201, 1)]


def test_two_at_once_with_one_key_are_not_done_twice(root: Path, acme: Caller) -> None:
    """While another process holds the ledger the first one waits, and the second is told so."""
    holder = sqlite3.connect(root / "ledger.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(acme.post, "/v1/tags", TAG, "k-4") for _ in range(2)]
        told = next(each for each in iter(lambda: next((b for b in both if b.done()), None), 0) if each)
        problem(told.result(), 409, "request-running")
        holder.execute("ROLLBACK")
        holder.close()
        other = both[1 - both.index(told)]
        assert other.result().json() == {"added": 1, "repeated": 0}


def test_writers_that_wait_keep_no_question_waiting_and_hear_of_no_lock(root: Path, acme: Caller) -> None:
    holder = sqlite3.connect(root / "ledger.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(12) as pool:
        writers = [pool.submit(acme.post, "/v1/tags", {**TAG, "record": f"r{n}"}) for n in range(12)]
        for _ in range(20):
            assert acme.answer("u2", SERVICE) == "undecided"
        assert not any(each.done() for each in writers)
        holder.execute("ROLLBACK")
        holder.close()
        assert [each.result().status_code for each in writers] == [201] * 12
    assert acme.answer("u2", SERVICE) == "permitted"


# When things go wrong


def test_a_ledger_that_cannot_be_asked_is_503_and_never_a_yes(root: Path) -> None:
    token = new_key(root)
    with serving(root) as running, running.client(token) as caller:
        assert caller.get("/readyz").status_code == 200
        for suffix in ("", "-wal", "-shm"):
            (root / f"ledger.db{suffix}").write_bytes(b"not a database at all" * 500)
        for path, body in (("/v1/decisions", QUESTION), ("/v1/tags", TAG)):
            found = caller.post(path, body)
            problem(found, 503, "unavailable")
            assert found.headers["retry-after"]
            assert "permitted" not in found.text
        problem(caller.get("/readyz"), 503, "unavailable")
        assert caller.get("/healthz").json() == {"status": "ok"}


def test_sigterm_lets_a_request_finish_and_then_ends(root: Path) -> None:
    token, figures = new_key(root, customer="acme"), new_key(root, "admin")
    with serving(root) as running, running.client(token) as caller, running.client(figures) as operator:
        holder = sqlite3.connect(root / "ledger.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(caller.post, "/v1/tags", TAG)
            while "requests_running 2" not in operator.get("/metrics").text:
                assert not waiting.done()
            running.process.send_signal(signal.SIGTERM)
            holder.execute("ROLLBACK")
            holder.close()
            assert waiting.result().status_code == 201
        assert running.stop() == 0
        assert json.loads(running.log[-1])["event"] == "stopped"


def test_logs_and_figures_name_nobody(root: Path) -> None:
    token, canary = new_key(root, customer="acme"), "canary-7@users.example.com"
    with serving(root) as running:
        with running.client(token) as caller:
            caller.post("/v1/tags", {**TAG, "subject": canary, "record": canary}, once="canary-7-key")
            caller.answer(canary, SERVICE)
            caller.post("/v1/decisions", f'{{"{canary}": 1}}'.encode())
            caller.get(f"/v1/{canary}?token={canary}\r\nX: y".replace("\r\n", "%0d%0a"))
        with running.client(new_key(root, "admin")) as operator:
            figures = operator.get("/metrics").text
        running.stop()
    lines = [json.loads(line) for line in running.log]
    assert {line["event"] for line in lines} == {"request", "stopped"}
    assert [line["status"] for line in lines[:2]] == [422, 200]
    for text in (*running.log, figures):
        assert "canary" not in text
        assert "acme" not in text
        assert token not in text
    assert 'policyctl_decisions_total{answer="undecided"} 1' in figures
    assert 'policyctl_requests_total{route="/v1/tags",method="POST",status="422"} 1' in figures
