# SPDX-License-Identifier: Apache-2.0
"""check as people, scripts and workflows call it, and what a hostile pull request can do to it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from policyctl.reports.checking.review_v1 import read_review
from tests.actions.instance import DAYS, PRACTICES_2, SLUG, TEXT_2, make_instance, policy, publish
from tests.adapters.fake_github import REPOSITORY, TOKEN, fake_github
from tests.cli.run import CLEAN, GIT, inside, policyctl, said
from tests.repos import ALONE, Repo, make_repo

BEFORE = "# Privacy\n\nWe do not sell your name.\n"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = make_instance(tmp_path / "repo")
    publish(made.root, DAYS[1])
    made.commit("Second", policy(TEXT_2.replace("class: choice", "class: notice"), PRACTICES_2))
    return made


@pytest.fixture
def plain(tmp_path: Path) -> Repo:
    made = make_repo(tmp_path / "plain")
    made.commit("First", {"privacy.md": BEFORE})
    made.write("privacy.md", BEFORE.replace("do not ", ""))
    return made


def test_a_file_of_any_repository_needs_no_set_up(plain: Repo) -> None:
    run = inside("check", "privacy.md", "--fail-on", "warning", cwd=plain.root)
    assert run.returncode == 1
    assert "material" in run.stdout
    assert (
        said(inside("check", "privacy.md", "--format", "json", cwd=plain.root), "check")["result"] == "passed"
    )


def test_a_new_policy_can_be_checked_before_the_first_commit(tmp_path: Path) -> None:
    made = make_repo(tmp_path / "new")
    assert inside("init", cwd=made.root).returncode == 0
    asked = inside("new", SLUG, cwd=made.root)
    assert f"policyctl check {SLUG}" in asked.stdout
    run = inside("check", SLUG, cwd=made.root)
    assert "new, no version to compare it with" in run.stdout
    assert run.returncode in {0, 1}


def test_policies_and_files_can_be_named_together(repo: Repo) -> None:
    repo.write("terms.md", BEFORE)
    run = said(inside("check", SLUG, "terms.md", "--format", "json", cwd=repo.root), "check")
    states = {row["policy"]: row["state"] for row in run["policies"]}
    assert states == {SLUG: "changed", "terms.md": "added"}


@pytest.mark.parametrize(
    "words",
    [
        ("check", "--against", "HEAD", "--against-published"),
        ("check", "privacy.md", "--against-published"),
        ("check", "privacy.md", "--against=--output=F"),
    ],
)
def test_what_cannot_be_meant_is_bad_usage(repo: Repo, words: tuple[str, ...]) -> None:
    repo.write("privacy.md", BEFORE)
    assert inside(*words, cwd=repo.root).returncode == 2
    assert not (repo.root / "F").exists()


@pytest.mark.parametrize("face", ["json", "markdown", "sarif", "github", "gitlab", "junit"])
def test_every_format_is_written_when_nothing_could_be_looked_at(repo: Repo, face: str) -> None:
    run = inside(
        "check", "--against", "no-such", "--format", face, "--output", repo.root / "out", cwd=repo.root
    )
    assert run.returncode == 3
    assert "no-such" in (repo.root / "out").read_text("utf-8")


def test_a_shallow_clone_is_could_not_compare_for_a_file_too(repo: Repo, tmp_path: Path) -> None:
    clone = tmp_path / "shallow"
    repo.git("clone", "--quiet", "--depth", "1", f"file://{repo.root}", str(clone))
    run = inside("check", f"policies/{SLUG}/policy.md", "--against", "HEAD~1", cwd=clone)
    assert run.returncode == 3
    assert "git fetch --unshallow" in run.stderr


def job(repo: Repo, **more: str) -> dict[str, str]:
    return {
        "GITHUB_STEP_SUMMARY": str(repo.root.parent / "summary.md"),
        "GITHUB_OUTPUT": str(repo.root.parent / "output"),
        **more,
    }


def test_the_job_of_a_pull_request_annotates_sums_up_and_hands_on(repo: Repo) -> None:
    report = repo.root.parent / "review.json"
    run = policyctl("ci", "check", "--report", report, cwd=repo.root, env=job(repo))
    assert run.returncode == 1
    assert f"::error file=policies/{SLUG}/policy.md,line=" in run.stdout
    assert "Raise the class from `notice` to `choice`" in (repo.root.parent / "summary.md").read_text("utf-8")
    assert (repo.root.parent / "output").read_text("utf-8").splitlines()[:2] == [
        "result=findings",
        "material=true",
    ]
    assert read_review(report.read_bytes()).policies[0].declared == "notice"


def test_where_a_ledger_is_at_hand_the_review_counts_who_would_be_told(repo: Repo) -> None:
    rows = "customer,name,admin_email,admin_name,locale\n" + "".join(
        f"c{n},Example {n},admin{n}@example.com,Ada,en\n" for n in range(3)
    )
    repo.write("customers.csv", rows)
    assert inside("customers", "import", "customers.csv", cwd=repo.root).returncode == 0
    settings = repo.root / "policyctl.toml"
    text = settings.read_text("utf-8")
    for key in ("from", "from_name", "reply_to", "postal_address"):
        text = text.replace(f'{key} = ""', f'{key} = "legal@example.com"')
    settings.write_text(text, "utf-8")
    repo.commit("Decided", policy(TEXT_2, PRACTICES_2))
    report = repo.root.parent / "review.json"
    policyctl("ci", "check", "--report", report, cwd=repo.root, env=job(repo))
    told = {row.audience: row.addressees for row in read_review(report.read_bytes()).policies[0].audience}
    assert told == {"administrators": 3}
    assert "3 administrators" in (repo.root.parent / "summary.md").read_text("utf-8")


def test_the_job_reads_its_inputs_from_the_environment(repo: Repo) -> None:
    report = repo.root.parent / "review.json"
    given = {"POLICYCTL_AGAINST": "HEAD", "POLICYCTL_FAIL_ON": "info", "POLICYCTL_POLICIES": SLUG}
    run = policyctl("ci", "check", "--report", report, cwd=repo.root, env=job(repo, **given))
    assert run.returncode == 0
    assert not read_review(report.read_bytes()).says_something


@pytest.mark.parametrize(
    "given",
    [{"POLICYCTL_FAIL_ON": "$(id)"}, {"POLICYCTL_POLICIES": "--output=x"}, {"POLICYCTL_AGAINST": "-uX"}],
)
def test_inputs_that_cannot_be_meant_are_bad_usage(repo: Repo, given: dict[str, str]) -> None:
    run = policyctl("ci", "check", "--report", repo.root / "r.json", cwd=repo.root, env=job(repo, **given))
    assert run.returncode == 2


def test_planted_modules_and_files_of_settings_are_neither_imported_nor_read(repo: Repo) -> None:
    trap = f"import pathlib; pathlib.Path({str(repo.root.parent / 'sprung')!r}).touch()\n"
    for name in ("git.py", "typer.py", "sitecustomize.py", "usercustomize.py", "policyctl/__init__.py"):
        repo.write(name, trap)
    repo.write(".env", "POLICYCTL_FAIL_ON=never\n")
    script = Path(sys.executable).parent / "policyctl"
    for words in (["check"], ["ci", "check", "--report", str(repo.root.parent / "r.json")]):
        run = subprocess.run(
            [script, *words],
            cwd=repo.root,
            env={**CLEAN, **GIT, **job(repo)},
            capture_output=True,
            check=False,
        )
        assert run.returncode == 1, run.stderr
    assert not (repo.root.parent / "sprung").exists()


def test_the_comment_needs_an_event_and_a_token(repo: Repo, tmp_path: Path) -> None:
    assert inside("ci", "comment", cwd=repo.root).returncode == 2
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"workflow_run": {}}))
    given = {"GITHUB_EVENT_PATH": str(event), "GITHUB_REPOSITORY": "a/b"}
    assert policyctl("ci", "comment", cwd=repo.root, env=given).returncode == 2
    assert policyctl("ci", "comment", cwd=repo.root, env={**given, "GITHUB_TOKEN": "t"}).returncode == 3


def test_from_the_check_to_the_comment_over_http(repo: Repo, tmp_path: Path) -> None:
    report = repo.root.parent / "review.json"
    policyctl("ci", "check", "--report", report, cwd=repo.root, env=job(repo))
    event = tmp_path / "event.json"
    head = {"id": 9, "owner": {"login": "mallory"}}
    run = {"head_sha": "c" * 40, "head_branch": "$(id)", "html_url": "https://example.com/1"}
    event.write_text(json.dumps({"workflow_run": {**run, "head_repository": head}}))
    with fake_github() as github:
        github.pull(12, "c" * 40, owner="mallory", branch="$(id)", repo=9)
        given = {
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": github.url,
        }
        done = policyctl("ci", "comment", "--report", report, cwd=tmp_path, env=given)
        assert (done.returncode, done.stderr) == (0, "commented on #12\n")
        assert "Raise the class from `notice` to `choice`" in github.bodies()[0]
        assert TOKEN not in done.stderr + done.stdout


def test_plain_arguments_are_read_without_the_validation_library(plain: Repo) -> None:
    code = (
        "import sys; from policyctl.cli.app import app\n"
        "try: app(['check', 'privacy.md', '--format', 'json', '-o', 'x.json'])\n"
        "except SystemExit: print('pydantic' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=plain.root,
        env={**CLEAN, **GIT},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "False"


def test_a_word_that_is_no_choice_is_answered_with_the_choices() -> None:
    run = inside("check", "--format", "sarfi", cwd=Path())
    assert run.returncode == 2
    assert "'sarif'" in run.stderr
