# SPDX-License-Identifier: Apache-2.0
"""``policyctl notify`` at a shell: watched on a terminal and in a pipe, stopped, recalled, planned again."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.run import CLEAN, GIT, policyctl
from tests.desk import SLUG, Desk

V2 = f"{SLUG}@v2"
PEOPLE = 600


def mails(desk: Desk) -> int:
    return len(list((desk.folder / ".policyctl" / "outbox").glob("*.eml")))


def test_recalled_before_they_leave_and_planned_again(published: Desk) -> None:
    done = published.json("notify", "--cancel", V2, "--yes")
    assert done["counts"] == [{"name": "recalled", "number": 3}]
    assert published.json("notify", "--cancel", V2, "--yes") == done
    published.run("notify")
    assert mails(published) == 0
    status = published.run("status", SLUG, code=1)
    assert "3 revision notices recalled before they left, so not given" in status
    again = published.json("notify", "--again", V2, "--kind", "revision", "--yes")
    assert again["counts"] == [{"name": "planned again", "number": 3}]
    published.run("notify")
    assert mails(published) == 3
    late = published.json("notify", "--cancel", V2, "--yes", code=1)
    assert late["counts"] == [{"name": "recalled", "number": 0}, {"name": "left before", "number": 3}]
    assert "correction" in late["remarks"][0]


def test_a_plan_says_who_is_written_to_and_why_and_writes_nothing(published: Desk) -> None:
    before = published.json("status", code=1)
    plan = published.json("notify", "--plan")
    (notice,) = plan["notices"]
    assert (notice["notice"], notice["to_send"], notice["timing"]["late_days"]) == ("revision", 3, 0)
    assert [(group["reason"], group["count"]) for group in notice["groups"]] == [("administrator", 3)]
    text = published.run("notify", "--plan")
    assert "3 customers: every customer's administrator gets a copy of a revised policy" in text
    assert text.endswith("nothing was done (--plan)\n")
    assert published.json("status", code=1) == before
    assert mails(published) == 0


def test_what_cannot_be_meant_is_said_and_changes_nothing(published: Desk) -> None:
    before = published.json("status", code=1)
    for words, code, told in (
        (("--cancel", V2), 2, "--yes"),
        (("--again", V2), 2, "--yes"),
        (("--cancel", "example-fax"), 2, "SLUG@v3"),
        (("--cancel", f"{SLUG}@v9", "--yes"), 3, "owes no notice"),
        (("--cancel", V2, "--kind", "reminder", "--yes"), 3, "no reminder notice"),
        (("--cancel", V2, "--again", V2), 2, "one of them"),
        (("--cancel", V2, "--dry-run"), 2, "--dry-run"),
        (("--plan", "--watch"), 2, "--watch"),
        (("--test", "a@example.org", "--watch"), 2, "--watch"),
        (("--kind", "revision"), 2, "--cancel"),
        ((SLUG, "--cancel", V2), 2, f"leave {SLUG} out"),
    ):
        assert told in published.fails("notify", *words, code=code)
    assert mails(published) == 0
    assert published.json("status", code=1) == before


def test_in_a_pipe_a_watch_is_lines_without_control_codes(published: Desk) -> None:
    run = policyctl("notify", "--watch", cwd=published.folder)
    assert run.returncode == 0, run.stderr
    assert "3 accepted" in run.stdout
    lines = run.stderr.splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d UTC example-fax@v2 revision: 3: ", line) for line in lines)
    assert lines[-1].endswith("3: 3 handed over =")
    assert run.stderr.replace("\n", "").isprintable()


def test_on_a_terminal_it_is_a_bar_that_is_drawn_anew(published: Desk) -> None:
    outer, inner = pty.openpty()
    environment = {**CLEAN, **GIT, "TERM": "xterm", "COLUMNS": "120"}
    command = [sys.executable, "-m", "policyctl", "notify", "--watch"]
    with subprocess.Popen(
        command, cwd=published.folder, env=environment, stdout=subprocess.PIPE, stderr=inner, text=True
    ) as run:
        out, _ = run.communicate(timeout=60)
    os.close(inner)
    drawn = os.read(outer, 100_000).decode()
    os.close(outer)
    assert (run.returncode, "3 accepted" in out) == (0, True)
    assert "[====================] 3: 3 handed over =" in drawn
    assert "nothing is on its way" in drawn
    assert "\x1b[" in drawn


def test_others_are_watched_and_ctrl_c_ends_only_the_watch(published: Desk) -> None:
    run = watching(published.folder)
    run.send_signal(signal.SIGINT)
    out, said = run.communicate(timeout=60)
    assert run.returncode == 130, said
    assert "3 waiting" in out
    run = watching(published.folder)
    published.run("notify")
    out, said = run.communicate(timeout=60)
    assert (run.returncode, "3 handed over" in out) == (0, True), said


def test_a_run_that_is_told_to_end_writes_to_nobody_twice_and_the_next_one_to_the_rest(
    published: Desk,
) -> None:
    """SIGTERM, as a supervisor sends it, after some of the mails have left."""
    customers = "".join(f"c{n},C {n},admin@c{n}.example.com,Ada,en\n" for n in range(PEOPLE))
    (published.folder / "more.csv").write_text(
        f"customer,name,admin_email,admin_name,locale\n{customers}", "utf-8"
    )
    published.run("customers", "import", "more.csv")
    run = subprocess.Popen(
        [sys.executable, "-m", "policyctl", "notify"],
        cwd=published.folder,
        env={**CLEAN, **GIT},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while mails(published) < 20 and run.poll() is None:
        time.sleep(0.005)
    run.send_signal(signal.SIGTERM)
    out, said = run.communicate(timeout=60)
    assert run.returncode == 130, out + said
    assert "stopping after this call" in said
    assert 20 <= mails(published) < PEOPLE
    published.run("notify")
    to = [
        re.search(rb"^To: .*?<?([^<> ]+@[^<> ]+)>?\r?$", mail.read_bytes(), re.MULTILINE)
        for mail in (published.folder / ".policyctl" / "outbox").glob("*.eml")
    ]
    found = [match[1] for match in to if match]
    assert len(found) == len(set(found)) == len(to) == PEOPLE + 3


def watching(folder: Path) -> subprocess.Popen[str]:
    """A watch that has shown its first look."""
    command = [sys.executable, "-m", "policyctl", "notify", "--watch", "--dry-run"]
    run = subprocess.Popen(
        command,
        cwd=folder,
        env={**CLEAN, **GIT},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    os.set_blocking(run.stderr.fileno(), True)
    assert "waiting" in run.stderr.readline()
    time.sleep(0.1)
    return run
