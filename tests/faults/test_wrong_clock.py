# SPDX-License-Identifier: Apache-2.0
"""The clock of the machine is wrong, and is put right: days behind and a year ahead, between publishing,
tagging, sending and opening a link. What came later is told by its number, never by a clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policyctl.core.links import LinkKey, in_force, with_new_key
from tests.actions.instance import PRACTICES_1, PRACTICES_2, TEXT_1, TEXT_2, make_instance, policy
from tests.adapters.ledger_samples import KEY
from tests.cli.run import inside
from tests.cli.test_transition import Desk
from tests.repos import ALONE

EMAIL, NEWS = "user.contact.email", "marketing.communications.email"
MAIL = (
    'folder = "outbox"\n'
    'from = "privacy@fax.example.com"\nreply_to = "a@fax.example.com"\npostal_address = "1 Example Street"\n'
)
PEOPLE = "subject,customer,email,locale,known_since"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Version 1 is in force since the first of January 2027, and there is one person."""
    repo = make_instance(tmp_path / "repo")
    monkeypatch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())
    settings = repo.root / "policyctl.toml"
    text = settings.read_text("utf-8").replace("[site]\n", "[site]\npdf = false\n", 1)
    settings.write_text(f"{text.partition('[mail]')[0]}[mail]\n{MAIL}\n[site]\npdf = false\n", "utf-8")
    made = Desk(repo, monkeypatch)
    made.on("2027-01-01")
    repo.commit("First", policy(TEXT_1, PRACTICES_1))
    made.run("publish", "example", "--yes")
    made.on("2027-01-05")
    made.table(("subjects", "import"), PEOPLE, "u-1,,u1@example.org,en,2027-01-02")
    made.table(
        ("customers", "import"),
        "customer,name,admin_email,admin_name,locale",
        "acme,Acme,a@acme.example.com,Ada,en",
    )
    return made


def publish(desk: Desk, clock: str, effective: str) -> None:
    """Version 2 by that clock."""
    desk.on(clock)
    desk.repo.commit("Second", policy(TEXT_2.replace("2027-06-01", effective), PRACTICES_2))
    desk.run("publish", "example", "--yes")


def tag(desk: Desk, record: str, *words: str) -> None:
    desk.run("tags", "add", "--subject", "u-1", "--category", EMAIL, "--record", record, *words)


def may_use(desk: Desk, purpose: str) -> str:
    done = inside(
        "may-use",
        "--subject",
        "u-1",
        "--category",
        EMAIL,
        "--purpose",
        purpose,
        "--format",
        "json",
        cwd=desk.repo.root,
    )
    return str(json.loads(done.stdout)["answer"])


def doctor(desk: Desk) -> dict[str, dict[str, str]]:
    run = inside("doctor", "--format", "json", cwd=desk.repo.root)
    return {check["name"]: check for check in json.loads(run.stdout)["checks"]}


def holds(desk: Desk) -> bool:
    return inside("verify", "--allow-unsigned", cwd=desk.repo.root).returncode == 0


def test_a_clock_three_days_behind_between_publishing_and_tagging(desk: Desk) -> None:
    publish(desk, "2027-03-01", "2027-06-01")
    desk.on("2027-05-29")  # it is the first of June
    tag(desk, "r-1")
    assert may_use(desk, NEWS) == "refused"
    desk.on("2027-06-01")
    tag(desk, "r-2")
    assert may_use(desk, NEWS) in {"refused", "undecided"}, "what the earlier promise covers stays under it"
    assert holds(desk)


def test_data_tagged_by_a_clock_a_year_ahead_is_never_a_yes_before_that_year_is_over(desk: Desk) -> None:
    publish(desk, "2027-03-01", "2027-06-01")
    desk.on("2028-03-01")
    tag(desk, "r-1")
    desk.on("2027-03-02")
    assert may_use(desk, NEWS) != "permitted"
    assert may_use(desk, "essential.service.operations") == "undecided"
    refused = desk.refused("tags", "add", "--subject", "u-1", "--category", EMAIL, "--record", "r-1", code=3)
    assert "tagged already, with another" in refused
    tag(desk, "r-1", "--provenance", "the clock was a year ahead")
    assert may_use(desk, "essential.service.operations") == "permitted"
    assert holds(desk)


def test_a_version_published_by_a_clock_a_year_ahead_is_told_and_the_next_one_is_the_later(
    desk: Desk,
) -> None:
    publish(desk, "2028-03-01", "2028-06-01")
    desk.on("2027-03-01")
    told = doctor(desk)["clock"]
    assert (told["state"], "example@v2 is dated" in told["seen"]) == ("warning", True)
    assert "ahead" in told["seen"]
    assert "revision planned" in desk.run("notify", "--dry-run")
    desk.run("notify")
    assert desk.mails("a@acme.example.com"), "nobody waits a year to be told"
    desk.repo.commit("Third", policy(TEXT_2.replace("2027-06-01", "2028-07-01"), PRACTICES_2))
    desk.run("publish", "example", "--yes")
    status = json.loads(inside("status", "--format", "json", cwd=desk.repo.root).stdout)
    assert [each["version"] for each in status["policies"][0]["versions"]] == [
        f"example@v{n}" for n in (1, 2, 3)
    ]
    assert holds(desk)


def test_a_clock_a_year_ahead_publishes_nothing_that_takes_effect_before_it(desk: Desk) -> None:
    desk.on("2028-03-01")
    desk.repo.commit("Second", policy(TEXT_2, PRACTICES_2))
    assert "effective" in desk.refused("publish", "example", "--yes", code=1)
    assert desk.repo.git("tag").split() == ["policy/example/v1"]


def test_a_key_of_links_that_was_made_by_a_clock_a_year_ahead_does_not_outlive_the_next_ones() -> None:
    now = datetime(2027, 3, 1, tzinfo=UTC)
    keys: tuple[LinkKey, ...] = ()
    for number, at in enumerate((now, now + timedelta(days=365), now + timedelta(days=1))):
        keys = with_new_key(keys, LinkKey(f"k{number}", b"x" * 32, at))
    assert [key.id for key in in_force(keys)] == ["k1", "k2"], "the newest signs, the one before still opens"
    keys = with_new_key(keys, LinkKey("k3", b"x" * 32, now + timedelta(days=2)))
    assert [key.id for key in in_force(keys)] == ["k2", "k3"]
