# SPDX-License-Identifier: Apache-2.0
"""A proposal is judged by the base: it can neither weaken the rules nor excuse itself in the same change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.actions.versions.check import Checked, check, exit_code
from policyctl.core.judge.findings import Severity
from policyctl.core.judge.standards import BaseStandards
from policyctl.core.policy import ChangeClass
from policyctl.errors import CannotCompareError
from policyctl.settings import load_settings
from tests.actions.instance import DAYS, PRACTICES_1, PRACTICES_2, SLUG, TEXT_1, TEXT_2, make_instance
from tests.cli.run import inside
from tests.repos import Repo

TODAY = DAYS[2].date()


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return make_instance(tmp_path / "repo")


def proposed(repo: Repo, against: str | None = "HEAD") -> Checked:
    """What CI says of the work tree."""
    settings = load_settings(repo.root)
    history = wiring.open_history(settings)
    try:
        (found,) = check(
            [SLUG], history=history, standards=wiring.standards(settings), today=TODAY, against=against,
            base_standards=wiring.base_standards(settings, history, against) if against else None,
        )  # fmt: skip
    finally:
        history.close()
    return found


def by_rule(found: Checked) -> dict[str, list[str]]:
    rules: dict[str, list[str]] = {}
    for finding in found.findings:
        rules.setdefault(finding.rule, []).append(finding.message)
    return rules


def settings(repo: Repo, more: str) -> None:
    """Set these; a table that stands in the file as init wrote it gives way."""
    path = repo.root / "policyctl.toml"
    tables = re.split(r"(?m)^(?=\[)", path.read_text("utf-8"))
    kept = [table for table in tables if table.split("\n")[0] != more.split("\n", maxsplit=1)[0]]
    path.write_text("".join(kept) + f"\n{more}\n", "utf-8")


WEAKER = {
    "fewer regimes": ('[regimes]\napply = ["minnesota"]', "regimes"),
    "no lead time": ("[lead_time]\nnotice = 0\nchoice = 0", "the class choice goes from 30 to 0"),
    "less time to answer": ("[choices]\nanswer_days = 1", "days to answer go from 30 to 1"),
    "a term redefined": ('[taxonomy.categories."user.fax"]\nlabel = "fax"', "no longer sensitive"),
}  # fmt: skip
LOCAL = '[taxonomy.categories."user.fax"]\nlabel = "your faxes"\nsensitive = true'


@pytest.mark.parametrize("name", WEAKER)
def test_settings_that_the_same_change_weakens_do_not_count_and_are_told(repo: Repo, name: str) -> None:
    (more, said), place = WEAKER[name], repo.root / "policyctl.toml"
    plain = place.read_text("utf-8")
    if name == "a term redefined":
        settings(repo, LOCAL)
        repo.commit("A sensitive category", {"policyctl.toml": place.read_text("utf-8")})
    soon = TEXT_2.replace("effective: 2027-06-01", "effective: 2027-03-02")
    repo.write(f"policies/{SLUG}/policy.md", soon)
    repo.write(f"policies/{SLUG}/practices.yaml", PRACTICES_2)
    before = by_rule(proposed(repo))
    before.pop("PC204", None)
    place.write_text(plain, "utf-8")
    settings(repo, more)
    after = by_rule(proposed(repo))
    assert any(said in message for message in after.pop("PC204"))
    assert after == before, "judged as if the settings had not been touched"
    assert "PC212" in after, "the lead time of the base still holds"


def test_a_change_of_settings_is_told_where_no_policy_changes(repo: Repo) -> None:
    settings(repo, '[regimes]\napply = ["ftc"]')
    found = proposed(repo)
    assert [(f.rule, f.severity, f.material) for f in found.findings] == [("PC204", Severity.WARNING, False)]
    assert exit_code([found], fail_on=Severity.ERROR) == 0
    assert exit_code([found], fail_on=Severity.WARNING) == 1


def test_a_setting_that_judges_nothing_is_not_told(repo: Repo) -> None:
    settings(repo, '[site]\nbase_url = "https://example.com"')
    assert proposed(repo).findings == ()


def test_a_new_local_term_can_be_used_in_the_change_that_adds_it(repo: Repo) -> None:
    settings(repo, LOCAL)
    repo.write(f"policies/{SLUG}/practices.yaml", PRACTICES_1 + PRACTICES_2[len(PRACTICES_1) :].replace(
        "user.contact.email", "user.fax"
    ))  # fmt: skip
    rules = by_rule(proposed(repo))
    assert "PC101" in rules
    assert "PC182" in rules, "and it is as sensitive as it says"
    assert any("user.fax is new, and sensitive" in message for message in rules["PC204"])


def test_without_settings_at_the_base_the_defaults_judge(repo: Repo) -> None:
    text = (repo.root / "policyctl.toml").read_text("utf-8")
    repo.git("rm", "--quiet", "--cached", "policyctl.toml")
    repo.git("commit", "--quiet", "-m", "No settings")
    repo.write("policyctl.toml", text + '\n[regimes]\napply = ["ftc"]\n')
    assert any("from all to ftc" in message for message in by_rule(proposed(repo))["PC204"])


def test_settings_of_the_base_that_cannot_be_read_are_never_passed_over(repo: Repo) -> None:
    text = (repo.root / "policyctl.toml").read_text("utf-8")
    repo.commit("Broken", {"policyctl.toml": "[regimes\n"})
    repo.write("policyctl.toml", text)
    with pytest.raises(CannotCompareError, match=r"policyctl\.toml of HEAD"):
        proposed(repo)


RIGHT = "You have the right to object to profiling by us."
WAIVER = (
    "  waivers:\n    - {rule: PC142, clause: collect, reason: told by mail, "
    "approved_by: legal@example.com, expires: 2027-12-01}\n"
)


def decided(cls: str, waiver: str = "") -> str:
    """The text with a new right, and what legal decided."""
    return TEXT_1.replace(
        "effective: 2027-01-01\n",
        f"effective: 2027-06-01\nchange:\n  class: {cls}\n  decided_by: legal@example.com\n"
        f"  summary: A right to object.\n{waiver}",
    ).replace("run your account.", f"run your account. {RIGHT}")


def test_a_waiver_of_the_same_change_does_not_count_and_is_told(repo: Repo) -> None:
    repo.write(f"policies/{SLUG}/policy.md", decided("editorial", WAIVER))
    found = proposed(repo)
    rules = by_rule(found)
    assert not any(finding.waived for finding in found.findings)
    assert "PC211" in rules, "the class is judged without it"
    assert "legal@example.com" in rules["PC205"][0]
    assert "PC203" not in rules
    assert exit_code([found], fail_on=Severity.ERROR) == 1


def test_a_waiver_is_approved_on_its_own_and_then_counts(repo: Repo) -> None:
    alone = TEXT_1.replace(
        "effective: 2027-01-01\n",
        "effective: 2027-06-01\nchange:\n  class: editorial\n  decided_by: legal@example.com\n"
        f"  summary: Nothing yet.\n{WAIVER}",
    )
    repo.write(f"policies/{SLUG}/policy.md", alone)
    first = proposed(repo)
    assert set(by_rule(first)) == {"PC205"}
    assert exit_code([first], fail_on=Severity.ERROR) == 0, "it may be merged once somebody has looked"
    repo.commit("A waiver", {f"policies/{SLUG}/policy.md": alone})
    repo.write(f"policies/{SLUG}/policy.md", decided("editorial", WAIVER).replace("2027-06-01", "2027-06-02"))
    second = proposed(repo)
    assert [f.waived for f in second.findings if f.rule == "PC142"] == [True]
    assert {"PC205", "PC211"}.isdisjoint(by_rule(second))
    assert exit_code([second], fail_on=Severity.ERROR) == 0


@pytest.mark.parametrize(
    ("old", "new"), [("2027-12-01", "2028-12-01"), ("clause: collect, ", ""), ("told by mail", "no reason")]
)
def test_a_waiver_that_the_change_widens_does_not_count(repo: Repo, old: str, new: str) -> None:
    repo.commit("A waiver", {f"policies/{SLUG}/policy.md": decided("editorial", WAIVER).replace(RIGHT, "")})
    repo.write(f"policies/{SLUG}/policy.md", decided("editorial", WAIVER.replace(old, new)))
    found = proposed(repo)
    assert not any(finding.waived for finding in found.findings)
    assert "PC205" in by_rule(found)


def test_a_new_policy_cannot_excuse_itself(repo: Repo) -> None:
    repo.write("policies/other/policy.md", decided("editorial", WAIVER))
    history = wiring.open_history(load_settings(repo.root))
    standards = wiring.standards(load_settings(repo.root))
    (found,) = check(
        ["other"],
        history=history,
        standards=standards,
        today=TODAY,
        against="HEAD",
        base_standards=BaseStandards(standards),
    )
    history.close()
    assert "PC205" in by_rule(found)


def test_publishing_takes_the_waivers_of_the_text_it_publishes(repo: Repo) -> None:
    repo.write(f"policies/{SLUG}/policy.md", decided("editorial", WAIVER))
    found = proposed(repo, against=None)
    assert "PC205" not in by_rule(found)


def test_the_command_reads_the_settings_of_the_base(repo: Repo) -> None:
    settings(repo, '[regimes]\napply = ["ftc"]')
    run = inside("check", "--against", "HEAD", "--format", "json", cwd=repo.root)
    assert "PC204" in run.stdout
    assert "PC204" not in inside("check", "--format", "json", cwd=repo.root).stdout


GERMAN = """---
title: Datenschutz
effective: {day}
---

## Was wir erheben {{#collect}}

Wir erheben Ihre E-Mail-Adresse, um Ihr Konto zu f\u00fchren.
{more}"""
KEEP = "\n## Wie lange {#keep}\n\nSolange Sie ein Konto haben.\n"


@pytest.mark.parametrize(
    ("day", "more", "said"),
    [
        ("2027-01-01", KEEP, ""),
        ("2026-01-01", KEEP, "takes effect on 2026-01-01, the text on 2027-01-01"),
        ("2027-01-01", "", "no clause {#keep}"),
        ("2027-01-01", KEEP + "\n## Mehr {#more}\n\nMehr.\n", "a clause {#more}"),
    ],
)
def test_a_translation_that_lags_blocks(repo: Repo, day: str, more: str, said: str) -> None:
    repo.write(f"policies/{SLUG}/policy.de.md", GERMAN.format(day=day, more=more))
    for against in (None, "HEAD"):
        drift = [f for f in proposed(repo, against).findings if f.rule == "PC231"]
        assert [said in finding.message for finding in drift] == [True] * bool(said)
        assert {finding.severity for finding in drift} <= {Severity.ERROR}


def test_the_class_stays_legal_s_word_in_the_same_change(repo: Repo) -> None:
    repo.write(f"policies/{SLUG}/policy.md", decided("notice"))
    found = proposed(repo)
    assert "PC211" not in by_rule(found)
    assert found.comparison
    assert found.comparison.judgement.verdict.change_class is ChangeClass.NOTICE
