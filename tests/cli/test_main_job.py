# SPDX-License-Identifier: Apache-2.0
"""The main job as its users do it, on one real repository; each JSON is held against its schema."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.desk import SAMPLE, SLUG, Desk


def test_a_version_is_marked_in_git_and_known_to_status(desk: Desk) -> None:
    desk.write(1)
    plan = desk.json("publish", SLUG, "--plan")
    assert plan["version"] == f"{SLUG}@v1"
    assert desk.git("tag") == "", "a plan writes nothing"
    desk.json("publish", SLUG, "--yes")
    assert desk.git("tag").split() == [f"policy/{SLUG}/v1"]
    assert desk.git("status", "--short") == ""
    status = desk.json("status")
    assert [v["version"] for v in status["policies"][0]["versions"]] == [f"{SLUG}@v1"]


def test_nothing_new_is_not_published_again(published: Desk) -> None:
    assert "hint:" in published.fails("publish", SLUG, "--yes", code=4)
    assert len(published.git("tag").split()) == 2


def test_a_script_must_say_yes(desk: Desk) -> None:
    desk.write(1)
    assert "--yes" in desk.fails("publish", SLUG, code=2)
    assert desk.git("tag") == ""


def test_each_administrator_is_mailed_once_however_often_it_is_run(published: Desk) -> None:
    before = published.json("notify", "--dry-run")
    assert before["dry_run"]
    published.json("notify")
    outbox = published.folder / ".policyctl" / "outbox"
    mails = sorted(path.name for path in outbox.glob("*.eml"))
    assert len(mails) == 3
    published.run("notify")
    published.run("sync")
    published.run("notify")
    assert sorted(path.name for path in outbox.glob("*.eml")) == mails
    published.run("notify", "--test", "me@example.com")


def test_a_check_names_what_a_change_asks_for(published: Desk) -> None:
    policy = published.folder / "policies" / SLUG / "policy.md"
    text = policy.read_text("utf-8")
    policy.write_text(text + "\n## Sale\n\nWe sell your e-mail address to advertisers.\n", "utf-8")
    checked = published.json("check", code=1)
    assert checked["policies"][0]["verdict"]["material"]
    assert published.run("check", "--fail-on", "never")


def test_versions_files_and_revisions_can_be_compared(published: Desk) -> None:
    by_version = published.json("diff", f"{SLUG}@v1", f"{SLUG}@v2")
    path = f"policies/{SLUG}/policy.md"
    by_revision = published.json("diff", f"policy/{SLUG}/v1:{path}", f"policy/{SLUG}/v2:{path}")
    assert by_version["new"]["sha256"] == by_revision["new"]["sha256"]
    assert by_version["clauses"] == by_revision["clauses"]
    published.json("clauses", SLUG)
    for face in ("text", "markdown", "html", "unified"):
        assert published.run("diff", f"{SLUG}@v1", SLUG, "--format", face)
    target = published.folder / "redline.docx"
    published.run("diff", f"{SLUG}@v1", SLUG, "--format", "docx", "--output", str(target))
    assert target.read_bytes()[:2] == b"PK"


def test_data_is_tagged_and_asked_about_and_an_opt_out_counts_at_once(desk: Desk) -> None:
    # In force already: the first version's date lies in the past.
    desk.write(1)
    policy = desk.folder / "policies" / SLUG / "policy.md"
    policy.write_text(policy.read_text("utf-8").replace("2091-01-15", "2026-01-15"), "utf-8")
    desk.git("commit", "-qam", "In force")
    desk.run("publish", SLUG, "--yes")
    desk.run("customers", "import", str(SAMPLE / "data" / "customers.csv"))
    desk.run("subjects", "import", str(SAMPLE / "data" / "subjects.csv"))
    tag = ["tags", "add", "--subject", "u-ana", "--category", "user.contact.email", "--record", "crm-1"]
    tag += ["--collected-at", "2026-02-01"]
    assert desk.json(*tag)["counts"] == [{"name": "tag added", "number": 1}]
    assert desk.json(*tag)["counts"] == [{"name": "tag added", "number": 0}]
    ask = ["may-use", "--subject", "u-ana", "--category", "user.contact.email"]
    offers = [*ask, "--purpose", "marketing.communications.email"]
    assert desk.json(*offers)["answer"] == "permitted"
    desk.json("choose", f"{SLUG}@v1#quote-marketing", "refuse", "--subject", "u-ana")
    assert desk.json(*offers, code=11)["answer"] == "refused"
    assert desk.json(*ask, "--purpose", "no.such.purpose", code=12)["answer"] == "undecided"
    desk.json("accept", f"{SLUG}@v1", "--subject", "u-new", "--customer", "blue-kite")
    desk.json("accept", f"{SLUG}@v1", "--customer", "harbour-clinic")


def test_a_bad_row_is_named_and_no_row_enters(desk: Desk) -> None:
    good = "customer,name,admin_email,admin_name,locale\nacme,Acme,ada@example.com,Ada,en\n"
    table = desk.folder / "c.csv"
    table.write_text(good + "bad,Bad,nobody,Bo,en\n", "utf-8")
    error = desk.fails("customers", "import", str(table), code=3)
    assert "c.csv:3" in error
    table.write_text(good, "utf-8")
    assert desk.json("customers", "import", str(table))["counts"][0] == {"name": "added", "number": 1}


def test_the_doctor_looks_at_everything(published: Desk) -> None:
    assert {check["name"] for check in published.json("doctor")["checks"]} >= {"policyctl.toml", "ledger"}


BAD = {
    "an unknown key of the front matter": ("effective:", "efective: x\neffective:", 3, "efective"),
    "a day that is none": ("effective: 2091-01-15", "effective: 2091-02-31", 3, "2091-02-31"),
    "a key that stands twice": ("effective:", "title: Twice\neffective:", 3, "title"),
    "an alias": ("effective:", "title: &a x\nsummary: *a\neffective:", 3, "policy.md"),
    "two equal clause ids": ("{#cookies}", "{#log-files}", 1, "log-files"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_bad_policy_is_named_with_file_and_mend(desk: Desk, case: str) -> None:
    before, after, code, word = BAD[case]
    desk.write(1)
    policy = desk.folder / "policies" / SLUG / "policy.md"
    text = policy.read_text("utf-8")
    assert before in text
    policy.write_text(text.replace(before, after, 1), "utf-8")
    output = desk.run("check", code=code)
    assert word in output
    assert "hint:" in output or "mend:" in output


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("diff", "nothing-here", "neither"), 3),
        (("diff", f"{SLUG}@v9", SLUG), 3),
        (("publish", "../x", "--yes"), 2),
        (("check", "--against", "no-such-revision"), 3),
        (("check", "--against=--output=F"), 2),
        (("publish", "no-such-policy", "--yes"), 3),
        (("accept", "nonsense", "--subject", "u"), 2),
        (("tags", "import", "no-such.csv"), 2),
    ],
)
def test_what_cannot_be_meant_gets_an_error_with_a_mend(
    desk: Desk, words: tuple[str, ...], code: int
) -> None:
    desk.write(1)
    error = desk.fails(*words, code=code)
    assert error.startswith("error: ")
    assert "hint: " in error
    assert not (desk.folder / "F").exists()


def test_text_that_is_not_utf_8_is_named_by_its_offset(desk: Desk) -> None:
    desk.write(1)
    policy = desk.folder / "policies" / SLUG / "policy.md"
    policy.write_bytes(policy.read_bytes() + b"caf\xe9\n")
    assert str(len(policy.read_bytes()) - 2) in desk.run("check", code=3)


def test_outside_of_a_repository_two_files_can_still_be_compared(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (tmp_path / "a.md").write_text("# One\n\nWe keep logs for 30 days.\n", "utf-8")
    (tmp_path / "b.md").write_text("# One\n\nWe keep logs for 300 days.\n", "utf-8")
    assert desk.json("diff", "a.md", "b.md")["verdict"]["material"]
    assert "git" in desk.fails("status", code=3)


def test_a_shallow_clone_and_an_empty_repository_never_look_like_no_change(
    published: Desk, tmp_path: Path
) -> None:
    shallow = Desk(tmp_path / "shallow")
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", f"file://{published.folder}", str(shallow.folder)], check=True
    )
    assert "fetch" in shallow.run("check", code=3)
