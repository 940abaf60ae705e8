# SPDX-License-Identifier: Apache-2.0
"""The ledger and its tags from the command line, as a person or a script calls it."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from policyctl import wiring
from policyctl.settings import load_settings
from tests.adapters.test_ledger_databases import upgrade_to
from tests.cli.run import inside, said

EMAIL = "user.contact.email"


def test_what_is_in_the_ledger_is_counted(demo: Path) -> None:
    counts = said(inside("ledger", "stats", "--format", "json", cwd=demo), "ledger")
    text = inside("ledger", "stats", cwd=demo).stdout
    assert counts["subjects"] > 0
    assert sum(each["count"] for each in counts["tags"]) > 0
    assert all(each["change"] in text for each in counts["choices"])
    assert f"{counts['subjects']} subjects" in text
    assert "Data that may be used" in text
    assert "\x1b" not in text
    assert inside("ledger", "stats", "--format", "csv", cwd=demo).stdout.startswith("what,policy,version,")
    unknown = inside("ledger", "stats", "--customer", "nobody", cwd=demo)
    assert unknown.returncode == 3
    assert "customer 'nobody' is not known" in unknown.stderr


def test_a_file_of_tags_enters_from_the_command_line_and_shows_no_bar_in_a_pipe(demo: Path) -> None:
    (demo / "more.jsonl").write_text(
        f'{{"subject": "u-ana", "category": "{EMAIL}", "record": 77, "collected_at": "2026-02-03"}}\n',
        "utf-8",
    )
    first = inside("tags", "import", "more.jsonl", "--resume", cwd=demo)
    assert (first.stdout, first.stderr) == ("1 added, 0 there already\n", "")
    assert inside("tags", "import", "more.jsonl", cwd=demo).stdout == "0 added, 1 there already\n"


def test_a_customers_ids_are_its_own(demo: Path) -> None:
    ask = ("may-use", "--subject", "u-ana", "--category", EMAIL, "--purpose", "essential.service")
    known = inside(*ask, "--customer", "harbour-clinic", cwd=demo)
    assert "nothing is known" not in known.stdout
    assert inside(*ask, "--customer", "blue-kite", cwd=demo).returncode == 12
    assert inside(*ask, "--customer", "nobody", cwd=demo).returncode == 3


def test_a_ledger_of_an_older_release_names_its_mend_and_is_mended_by_it(demo: Path, tmp_path: Path) -> None:
    demo = shutil.copytree(
        demo, tmp_path / "demo", ignore=shutil.ignore_patterns("ledger.db*"), symlinks=True
    )
    with wiring.open_ledger(load_settings(demo)) as ledger:
        upgrade_to(ledger, "0006")
    stopped = inside("ledger", "stats", cwd=demo)
    assert stopped.returncode == 4
    assert "policyctl ledger upgrade" in stopped.stderr
    assert "1 ledger upgraded" in inside("ledger", "upgrade", cwd=demo).stdout
    assert "up to date" in inside("ledger", "upgrade", cwd=demo).stdout
    assert inside("ledger", "stats", cwd=demo).returncode == 0


def test_two_customers_may_have_a_subject_of_one_id(demo: Path) -> None:
    """Each accepts, answers and is asked about by itself; the organisation answers without a subject."""
    change = "example-fax@v1#quote-marketing"
    clinic, kite = ("--customer", "harbour-clinic"), ("--customer", "blue-kite")

    def answers(of: tuple[str, str]) -> Counter[str]:
        counted = said(inside("ledger", "stats", *of, "--format", "json", cwd=demo), "ledger")
        found: Counter[str] = Counter()
        for each in counted["choices"]:
            found[each["answer"]] += each["count"]
        return found

    before = {of: answers(of) for of in (clinic, kite)}
    for customer in (clinic, kite):
        done = said(
            inside("accept", "example-fax@v1", "--subject", "same", *customer, "--format", "json", cwd=demo),
            "receipt",
        )
        assert [each["number"] for each in done["counts"]] == [1]
    unclear = inside("choose", change, "refuse", "--subject", "same", cwd=demo)
    assert unclear.returncode == 3
    assert "several customers" in unclear.stderr
    assert inside("choose", change, "refuse", "--subject", "same", *clinic, cwd=demo).returncode == 0
    (demo / "more.csv").write_text(
        f"subject,customer,change,answer,at\nsame,,{change},consent,2026-06-01\n", "utf-8"
    )
    assert "1 added" in inside("choices", "import", "more.csv", *kite, cwd=demo).stdout
    assert (answers(clinic) - before[clinic], answers(kite) - before[kite]) == (
        Counter({"refuse": 1}),
        Counter({"consent": 1}),
    )
    stranger = inside("choose", change, "refuse", "--subject", "u-ana", *kite, cwd=demo)
    assert "this subject is not known" in stranger.stderr
    assert inside("choose", change, "refuse", *kite, cwd=demo).returncode == 0
