# SPDX-License-Identifier: Apache-2.0
"""check: what the work tree's policies would mean, and the exit code that follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyctl.actions.versions.check import Checked, check, exit_code
from policyctl.core.judge.findings import Severity
from policyctl.errors import CannotCompareError, UsageError
from policyctl.reports.checking.checked import State
from tests.actions.instance import (
    DAYS,
    PRACTICES_1,
    PRACTICES_2,
    SLUG,
    TEXT_1,
    TEXT_2,
    Opened,
    make_instance,
    make_published,
    policy,
)
from tests.repos import ALONE, Repo

DAY = DAYS[2].date()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return make_published(tmp_path / "repo")


def checked(repo: Repo, *slugs: str, against: str | None = None) -> tuple[Checked, ...]:
    with Opened(repo.root) as opened:
        return check(slugs, history=opened.history, standards=opened.standards, today=DAY, against=against)


def test_nothing_changed_is_no_finding(repo: Repo) -> None:
    (found,) = checked(repo)
    assert (found.slug, found.base, found.errors) == (SLUG, f"{SLUG}@v1", ())
    assert found.findings == ()
    assert exit_code([found], fail_on=Severity.INFO) == 0


def test_nothing_changed_stays_quiet_long_after_and_with_waivers_that_have_run_out(repo: Repo) -> None:
    waiver = "  waivers:\n    - {rule: PC191, reason: r, approved_by: a, expires: 2027-04-01}\n---\n"
    repo.commit("Second", policy(TEXT_2.replace("---\n\n", waiver + "\n", 1), PRACTICES_2))
    found = checked(repo, against="HEAD")[0]
    assert found.findings == ()


def test_the_work_tree_is_checked_before_it_is_committed(repo: Repo) -> None:
    repo.write(f"policies/{SLUG}/policy.md", TEXT_2)
    repo.write(f"policies/{SLUG}/practices.yaml", PRACTICES_2)
    (found,) = checked(repo)
    assert "PC111" in [finding.rule for finding in found.findings]
    assert exit_code([found], fail_on=Severity.ERROR) == 0
    assert exit_code([found], fail_on=Severity.WARNING) == 1
    assert exit_code([found], fail_on=None) == 0


def test_an_undecided_change_fails_the_check(repo: Repo) -> None:
    repo.write(f"policies/{SLUG}/policy.md", TEXT_1.replace("run your account", "sell it to partners"))
    (found,) = checked(repo)
    assert exit_code([found], fail_on=Severity.ERROR) == 1


def test_a_policy_that_was_never_published_has_no_base(repo: Repo) -> None:
    repo.write("policies/new-one/policy.md", TEXT_1)
    found = checked(repo, "new-one")[0]
    assert (found.base, found.comparison, found.errors) == (None, None, ())


def test_one_broken_policy_does_not_hide_the_others(repo: Repo) -> None:
    repo.write("policies/broken/policy.md", TEXT_1.replace("title:", "titel:"))
    broken, sound = checked(repo)
    assert (broken.slug, sound.slug, sound.errors) == ("broken", SLUG, ())
    assert "titel" in {error.place.key for error in broken.errors if error.place}
    assert exit_code([broken, sound], fail_on=Severity.ERROR) == 3


def test_a_published_policy_that_was_removed_is_not_passed_over(repo: Repo) -> None:
    repo.git("rm", "--quiet", "-r", f"policies/{SLUG}")
    (found,) = checked(repo)
    assert found.state is State.REMOVED
    assert found.comparison is not None
    assert found.comparison.judgement.verdict.material
    assert exit_code([found], fail_on=Severity.ERROR) == 1


def test_a_policy_that_only_the_base_has_is_removed_too(repo: Repo) -> None:
    repo.commit("Another", {"policies/another/policy.md": TEXT_1})
    repo.git("rm", "--quiet", "-r", "policies/another")
    assert [found.state for found in checked(repo, against="HEAD")] == [State.REMOVED, State.UNCHANGED]


def test_a_link_in_the_place_of_a_policy_is_refused_not_removed(repo: Repo, tmp_path: Path) -> None:
    place = repo.root / f"policies/{SLUG}/policy.md"
    place.unlink()
    (tmp_path / "secret").write_text("hidden words")
    place.symlink_to(tmp_path / "secret")
    (found,) = checked(repo)
    assert found.state is State.NOT_COMPARED
    assert exit_code([found], fail_on=None) == 3


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"policies/{SLUG.title()}/policy.md", "cannot be a slug"),
        ("policies/fax policy/policy.md", "cannot be a slug"),
        ("policies/Other/Policy.md", "cannot be a slug"),
        (f"policies/{SLUG}/Policy.md", "some disks take it for policy.md"),
        (f"policies/{SLUG}/Practices.yaml", "some disks take it for practices.yaml"),
        (f"policies/{SLUG}/\uff50olicy.md", "some disks take it for policy.md"),
        (f"policies/{SLUG}/POLICY.de.md", "some disks take it for policy.de.md"),
    ],
)
def test_a_policy_that_nobody_would_read_for_its_name_is_not_passed_over(
    repo: Repo, path: str, said: str
) -> None:
    repo.write(path, TEXT_2)
    sound, bad = checked(repo)
    assert (sound.slug, sound.errors) == (SLUG, ())
    assert bad.file == path
    assert said in str(bad.errors[0])
    assert exit_code((sound, bad), fail_on=Severity.ERROR) == 3


def test_other_files_and_languages_of_a_policy_are_in_nobodys_way(repo: Repo) -> None:
    repo.write(f"policies/{SLUG}/policy.pt-BR.md", TEXT_1)
    repo.write(f"policies/{SLUG}/README.md", "notes")
    repo.write("policies/Notes/README.md", "notes")
    assert [each.file for each in checked(repo)] == [f"policies/{SLUG}/policy.md"]


def test_a_base_that_cannot_be_read_is_not_no_change(repo: Repo) -> None:
    repo.commit("Broken", policy(TEXT_1.replace("title:", "titel:")))
    repo.commit("Mended", policy(TEXT_1))
    (found,) = checked(repo, against="HEAD~1")
    assert found.state is State.NOT_COMPARED
    assert "the base cannot be read" in str(found.errors[0])
    assert found.errors[0].place is None
    assert exit_code([found], fail_on=None) == 3


def test_a_shallow_clone_could_not_compare(repo: Repo, tmp_path: Path) -> None:
    repo.commit("More", {"x": "y"})
    clone = tmp_path / "shallow"
    repo.git("clone", "--quiet", "--depth", "1", f"file://{repo.root}", str(clone))
    (clone / ".policyctl").mkdir()
    key = clone / ".policyctl/pseudonym.key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    (found,) = checked(Repo(clone))
    assert exit_code([found], fail_on=Severity.ERROR) == 3
    assert "git fetch --unshallow" in found.errors[0].hint


@pytest.mark.parametrize("against", ["HEAD", f"{SLUG}@v1", "main"])
def test_the_base_can_be_named(repo: Repo, against: str) -> None:
    (found,) = checked(repo, against=against)
    assert found.comparison is not None
    assert found.base is not None
    assert found.base.startswith(against)


def test_against_a_revision_the_practices_of_that_revision_count(repo: Repo) -> None:
    repo.commit("Second", policy(TEXT_2, PRACTICES_2))
    (found,) = checked(repo, against="HEAD~1")
    assert found.comparison is not None
    assert [change.id for change in found.comparison.revision.practices] == ["newsletter"]


def test_a_policy_that_the_base_does_not_have_is_new(repo: Repo) -> None:
    repo.commit(
        "Another", {"policies/another/policy.md": TEXT_1, "policies/another/practices.yaml": PRACTICES_1}
    )
    found = checked(repo, "another", against="HEAD~1")[0]
    assert (found.base, found.errors, found.state) == (None, (), State.ADDED)


@pytest.mark.parametrize("against", ["--output=x", "-uX", "@{-1}", "HEAD^{/a}", "main:../x", "x" * 10_240])
def test_a_hostile_base_is_refused(repo: Repo, against: str) -> None:
    with pytest.raises(UsageError):
        checked(repo, against=against)


def test_an_unknown_base_is_not_no_change(repo: Repo) -> None:
    with pytest.raises(CannotCompareError, match="not a revision"):
        checked(repo, against="origin/main")


def test_an_unknown_policy_is_met_with_the_nearest(repo: Repo) -> None:
    with pytest.raises(CannotCompareError, match="no policy exampel") as caught:
        checked(repo, "exampel")
    assert f"'{SLUG}'" in caught.value.hint
    with pytest.raises(UsageError):
        checked(repo, "../x")


def test_a_repository_without_policies_says_how_to_start(tmp_path: Path) -> None:
    repo = make_instance(tmp_path / "repo")
    repo.git("rm", "--quiet", "-r", f"policies/{SLUG}")
    with pytest.raises(CannotCompareError) as caught:
        checked(repo)
    assert "policyctl new" in caught.value.hint
