# SPDX-License-Identifier: Apache-2.0
"""Other places, from ``policyctl.toml`` to evidence: recorded by publish, sent by notify, shown by status."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from policyctl.faults import KILLED
from tests.cli.run import CLEAN, policyctl, schema
from tests.desk import SLUG, Desk
from tests.peers.webhook_receiver import HANG, SECRET, Receiver, receiver

V1, V2 = f"{SLUG}@v1", f"{SLUG}@v2"
PLACES = """
[[places]]
name = "site"
kind = "site"

[[places]]
name = "feed"
kind = "feed"

[[places]]
name = "app"
kind = "file"
target = "app/{slug}.md"

[[places]]
name = "partner"
kind = "webhook"
target = "%s"

[[places]]
name = "store"
kind = "url"
target = "https://apps.example.com/fax"
"""


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICYCTL_WEBHOOK_SECRET", SECRET)


def settle(desk: Desk, server: Receiver, text: str = PLACES) -> None:
    path = desk.folder / "policyctl.toml"
    settings = path.read_text("utf-8").replace("[site]", "[site]\npdf = false", 1)
    path.write_text(settings + (text % server.url if "%s" in text else text), "utf-8")
    desk.write(1)


def places(desk: Desk, number: int = 1, code: int = 1) -> dict[str, dict[str, object]]:
    found = desk.json("status", SLUG, code=code)["policies"][0]["versions"][number - 1]["places"]
    return {each["place"]: each for each in found}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_each_place_is_evidenced_by_what_when_and_hash(desk: Desk) -> None:
    with receiver() as server:
        settle(desk, server)
        desk.run("publish", SLUG, "--yes")
        site, seen = desk.folder / ".policyctl" / "site", places(desk)
        assert {name: each["state"] for name, each in seen.items()} == {
            "site": "posted", "feed": "posted", "app": "posted", "partner": "waiting", "store": "missing",
        }  # fmt: skip
        assert seen["site"]["sha256"] == digest(site / SLUG / "v1" / "index.html")
        assert seen["feed"]["sha256"] == digest(site / SLUG / "feed.xml")
        assert seen["app"]["sha256"] == digest(desk.folder / "app" / f"{SLUG}.md")
        assert server.got == []
        assert f"{V1} webhook to partner" in desk.run("notify", "--dry-run")
        assert "1 webhooks taken" in desk.run("notify")
        (got,) = server.got
        posted = desk.folder / "posted.html"
        posted.write_text("As it stands in the store.", "utf-8")
        status = desk.run("status", code=1)
        assert f"policyctl places record store {V1} --file FILE" in status
        desk.run("places", "record", "store", V1, "--file", str(posted), "--at", "2026-01-02T03:04:05Z")
    assert got["signed"]
    Draft202012Validator(schema("posting").schema).validate(got["json"])
    assert got["json"]["data"]["version"] == V1
    seen = places(desk, code=0)
    assert {each["state"] for each in seen.values()} == {"posted"}
    assert seen["partner"]["sha256"] == hashlib.sha256(got["body"]).hexdigest()
    assert (seen["store"]["posted_at"], seen["store"]["sha256"]) == (
        "2026-01-02T03:04:05+00:00",
        digest(posted),
    )
    desk.run("verify", "--allow-unsigned")


def standing(desk: Desk) -> dict[str, Any]:
    """What `status` says but for which commands ran when."""
    return {name: value for name, value in desk.json("status").items() if name != "runs"}


def test_nothing_is_recorded_or_sent_twice_and_a_new_version_goes_everywhere(desk: Desk) -> None:
    with receiver() as server:
        settle(desk, server)
        desk.run("publish", SLUG, "--yes")
        desk.run("notify")
        desk.run("places", "record", "store", V1, "--sha256", "a" * 64)
        before = standing(desk)
        again = desk.json("places", "record", "store", V1, "--sha256", "a" * 64)
        assert again["remarks"] == ["it is on record already"]
        assert "0 versions" in desk.run("sync")
        desk.run("notify")
        assert standing(desk) == before
        assert len(server.got) == 1
        desk.write(2)
        desk.run("publish", SLUG, "--yes")
        desk.run("notify")
    assert [got["json"]["data"]["version"] for got in server.got] == [V1, V2]
    assert places(desk, 2)["store"]["state"] == "missing"
    assert places(desk, 1)["store"]["state"] == "posted"
    text = (desk.folder / "app" / f"{SLUG}.md").read_text("utf-8")
    assert ", version 2, effective 15 January 2092." in text
    assert "decided_by" not in text


def test_a_place_that_is_added_later_gets_the_newest_version_only(desk: Desk) -> None:
    with receiver() as server:
        desk.write(1)
        desk.run("publish", SLUG, "--yes")
        desk.write(2)
        desk.run("publish", SLUG, "--yes")
        path = desk.folder / "policyctl.toml"
        path.write_text(path.read_text("utf-8") + PLACES % server.url, "utf-8")
        assert "postings" in desk.run("sync")
        desk.run("notify")
    assert [got["json"]["data"]["version"] for got in server.got] == [V2]
    assert sorted(places(desk, 1)) == ["site"], "each version has a page of its own for good"


@pytest.mark.parametrize("step", ["hung", "posting.answered"])
def test_killed_between_sending_and_recording_it_is_sent_again_under_its_id(desk: Desk, step: str) -> None:
    with receiver(HANG if step == "hung" else 200, 200) as server:
        settle(desk, server)
        desk.run("publish", SLUG, "--yes")
        environment = {"POLICYCTL_WEBHOOK_SECRET": SECRET}
        if step == "hung":
            _kill_while_it_waits(desk, server, environment)
        else:
            run = policyctl("notify", cwd=desk.folder, env={**environment, "POLICYCTL_FAULT": step})
            assert run.returncode == KILLED
        assert places(desk)["partner"]["state"] == "waiting"
        desk.run("notify")
    assert len(server.got) == 2
    assert len(set(server.ids())) == 1
    assert server.got[0]["body"] == server.got[1]["body"]
    assert places(desk)["partner"]["tries"] == 1
    desk.run("verify", "--allow-unsigned")


def _kill_while_it_waits(desk: Desk, server: Receiver, environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "policyctl", "notify"], cwd=desk.folder, env={**CLEAN, **environment}
    )
    try:
        for _ in range(300):
            if server.got:
                break
            time.sleep(0.1)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def test_what_is_not_taken_is_owed_and_says_what_to_do(desk: Desk) -> None:
    with receiver(500) as server:
        settle(desk, server)
        desk.run("publish", SLUG, "--yes")
        out = desk.run("notify", code=1)
        assert "1 webhooks not taken" in out
        assert "not taken by partner (webhook) yet: answered 500; policyctl notify" in desk.run(
            "status", code=1
        )
        server.answers[:] = [410]
        desk.run("places", "retry", "partner", V1)
        assert "wants no more (410)" in desk.run("notify", code=1)
        assert "policyctl places retry" in desk.run("status", code=1)


def test_no_secret_is_said_and_mails_go_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLICYCTL_WEBHOOK_SECRET")
    with receiver() as server:
        settle(desk, server)
        desk.run("publish", SLUG, "--yes")
        out = desk.run("notify", code=1)
    assert "POLICYCTL_WEBHOOK_SECRET_PARTNER" in out
    assert "0 accepted" in out
    assert server.got == []


def test_what_is_there_now_is_held_against_what_was_posted(desk: Desk) -> None:
    page = b"<p>The policy.</p>"
    text = """
[[places]]
name = "app"
kind = "file"
target = "app.md"

[[places]]
name = "page"
kind = "url"
target = "%s"
"""
    with receiver((200, {}, page)) as server:
        settle(desk, server, text)
        desk.run("publish", SLUG, "--yes")
        assert "missing" in desk.run("places", "check", code=1)
        desk.run("places", "record", "page", V1, "--sha256", hashlib.sha256(page).hexdigest())
        assert {each["state"] for each in desk.json("places", "check")["places"]} == {"same"}
        (desk.folder / "app.md").write_text("altered", "utf-8")
        server.answers[:] = [(200, {}, page + b"!")]
        found = desk.json("places", "check", code=1)["places"]
        assert [each["state"] for each in found] == ["differs", "differs"]
        server.answers[:] = [500]
        found = desk.json("places", "check", code=1)["places"]
        assert [each["state"] for each in found] == ["differs", "unknown"]
        desk.run("sync")
        assert desk.json("places", "check", code=1)["places"][0]["state"] == "same"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("store", "example-fax@v9", "--sha256", "a" * 64), 3, "does not hold"),
        (("nowhere", V1, "--sha256", "a" * 64), 2, "places of policyctl.toml: site, feed"),
        (("partner", V1, "--sha256", "a" * 64), 4, "posted by policyctl itself"),
        (("store", V1), 2, "--sha256"),
        (("store", V1, "--sha256", "abc"), 2, "64 hex digits"),
        (("store", V1, "--sha256", "a" * 64, "--url", "store"), 2, "https://"),
        (("store", V1, "--sha256", "a" * 64, "--at", "2999-01-01"), 4, "future"),
        (("store", V1, "--file", "nothing-there"), 2, "cannot be read"),
    ],
)
def test_what_cannot_be_recorded_is_said(
    recorded: Desk, words: tuple[str, ...], code: int, told: str
) -> None:
    before = recorded.json("status", code=1)
    assert told in recorded.fails("places", "record", *words, code=code)
    assert recorded.json("status", code=1) == before


@pytest.fixture
def recorded(desk: Desk) -> Desk:
    settle(desk, Receiver(port=1))
    desk.run("publish", SLUG, "--yes")
    return desk


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('[[places]]\nname = "a"\nkind = "webhook"\n', "places[1].target", "https://hooks.example.com"),
        (
            '[[places]]\nname = "a"\nkind = "webhook"\ntarget = "http://example.com/"\n',
            "places[1].target",
            "",
        ),
        ('[[places]]\nname = "a"\nkind = "mail"\n', "places[1].kind", "unknown kind"),
        ('[[places]]\nname = "A b"\nkind = "site"\n', "places[1].name", "no name for a place"),
        ('[[places]]\nname = "a"\nkind = "file"\ntarget = "../x.md"\n', "places[1].target", "{slug}.md"),
        ('[[places]]\nname = "a"\nkind = "file"\ntarget = "policies/x/policy.md"\n', "places[1].target", ""),
        ('[[places]]\nname = "a"\nkind = "file"\ntarget = "{commit}.md"\n', "places[1].target", ""),
        (
            '[[places]]\nname = "a"\nkind = "site"\n[[places]]\nname = "a"\nkind = "feed"\n',
            "places[2].name",
            "",
        ),
        ('[[places]]\nname = "a"\nkind = "site"\nsecret = "x"\n', "places[1].secret", "unknown key"),
        ('places = "site"\n', "places", "[[places]]"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_their_line(
    desk: Desk, text: str, line: str, told: str
) -> None:
    path = desk.folder / "policyctl.toml"
    path.write_text(text + path.read_text("utf-8") if text.startswith("places") else text, "utf-8")
    said = desk.fails("status", code=3)
    assert "policyctl.toml:" in said
    assert f"({line})" in said
    assert told in said


def test_release_notes_say_what_changes_and_what_proves_it(desk: Desk) -> None:
    path = desk.folder / "policyctl.toml"
    path.write_text(
        path.read_text("utf-8").replace("[site]", '[site]\npdf = false\nbase_url = "https://example.com/p"'),
        "utf-8",
    )
    for number in (1, 2):
        desk.write(number)
        desk.run("publish", SLUG, "--yes")
    text = desk.run("release-notes", V2)
    assert "**Effective 15 January 2092.**" in text
    assert f"(<https://example.com/p/{SLUG}/changes/v1..v2/>)" in text
    assert "| Clause | Change |" in text
    data = json.loads((desk.folder / ".policyctl/site" / SLUG / "v2/data.json").read_text("utf-8"))
    assert f"`{data['text_sha256']}`" in text
    head = desk.git("tag", "-l", "--format=%(contents)", f"policy/{SLUG}/v2").split("Ledger-Head: ")[1]
    assert f"`{head.split()[0]}`" in text
    output = desk.folder / "notes.md"
    desk.run("release-notes", V2, "--output", str(output))
    assert output.read_text("utf-8") == text
    assert "Class: first version" in desk.run("release-notes", V1)
    desk.fails("release-notes", f"{SLUG}@v9", code=3)


@pytest.mark.parametrize("step", ["sync.ledger-written", "sync.site-written"])
def test_a_publication_that_was_killed_before_its_places_is_completed_by_running_it_again(
    desk: Desk, step: str
) -> None:
    with receiver() as server:
        settle(desk, server)
        run = policyctl("publish", SLUG, "--yes", cwd=desk.folder, env={"POLICYCTL_FAULT": step})
        assert run.returncode == KILLED
        desk.run("publish", SLUG, "--yes")
        desk.fails("publish", SLUG, "--yes", code=4)
        desk.run("notify")
    assert len(server.got) == 1
    assert {name for name, each in places(desk).items() if each["state"] == "posted"} == {
        "site", "feed", "app", "partner",
    }  # fmt: skip
