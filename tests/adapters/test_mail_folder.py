# SPDX-License-Identifier: Apache-2.0
"""Mails as files: each exactly once, whole or not there, however the writer dies."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from policyctl.adapters.mail.folder import FolderMailer
from policyctl.adapters.mail.interface import Accepted, NotSent, Rejected
from policyctl.faults import KILLED
from tests.adapters.mail_samples import INJECTIONS, PLAIN, mail, part, read_back

WRITER = """
import sys
from pathlib import Path
from policyctl.adapters.mail.folder import FolderMailer
from tests.adapters.mail_samples import mail
mailer = FolderMailer(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    outcome = mailer.send(mail(nid=f"n{number:05}", text=f"mail {number}\\n" + "line\\n" * 5000))
    print(number, type(outcome).__name__, flush=True)
"""


def write(folder: Path, number: int, fault: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WRITER, str(folder), str(number)],
        env={**os.environ, "POLICYCTL_FAULT": fault, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_mail_becomes_one_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "outbox"
    outcome = FolderMailer(folder).send(PLAIN)
    (file,) = folder.iterdir()
    assert outcome == Accepted(str(file))
    assert file.name == "n0123abc.eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert part(read_back(file.read_bytes()), "plain") == PLAIN.text


def test_the_same_mail_again_changes_nothing(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path)
    first = mailer.send(PLAIN)
    before = (tmp_path / "n0123abc.eml").stat()
    assert mailer.send(mail(text="other")) == first
    after = (tmp_path / "n0123abc.eml").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("changed", INJECTIONS, ids=lambda c: ascii(c)[:50])
def test_a_mail_that_cannot_be_written_leaves_no_file(tmp_path: Path, changed: dict[str, str]) -> None:
    assert isinstance(FolderMailer(tmp_path).send(mail(**changed)), Rejected)
    assert list(tmp_path.rglob("*")) == []


def test_a_folder_that_is_a_file_is_not_sent_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("in the way")
    outcome = FolderMailer(tmp_path / "outbox").send(PLAIN)
    assert isinstance(outcome, NotSent)
    assert "outbox" in outcome.reason


@pytest.mark.parametrize("step", ["begin", "half", "written", "renamed"])
def test_killed_at_any_step_and_run_again_there_is_one_whole_mail(tmp_path: Path, step: str) -> None:
    assert write(tmp_path, 1, f"mail.folder.{step}").returncode == KILLED
    for file in tmp_path.glob("*.eml"):
        assert part(read_back(file.read_bytes()), "plain").count("line") == 5000
    assert write(tmp_path, 1).stdout == "0 Accepted\n"
    (file,) = tmp_path.iterdir()
    assert part(read_back(file.read_bytes()), "plain").count("line") == 5000


def test_killed_from_outside_at_any_moment_every_file_is_whole_and_every_promise_kept(tmp_path: Path) -> None:
    for round_ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), "400"],
            env={**os.environ, "PYTHONPATH": "."},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        promised = [writer.stdout.readline() for _ in range(3)]
        time.sleep(0.05 * round_)
        writer.send_signal(signal.SIGKILL)
        promised += writer.communicate()[0].splitlines()
        whole = {file.name for file in tmp_path.glob("*.eml")}
        for file in tmp_path.glob("*.eml"):
            assert part(read_back(file.read_bytes()), "plain").count("line") == 5000
        assert {f"n{int(line.split()[0]):05}.eml" for line in promised if line.endswith("Accepted")} <= whole
    assert write(tmp_path, 400).returncode == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"n{n:05}.eml" for n in range(400)]


def test_two_writers_at_once_leave_each_mail_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path), "60"]
    environment = {**os.environ, "PYTHONPATH": "."}
    writers = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for writer in writers:
        answers = writer.communicate()[0].splitlines()
        assert [line.split()[1] for line in answers] == ["Accepted"] * 60
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"n{n:05}.eml" for n in range(60)]
    for file in tmp_path.iterdir():
        assert part(read_back(file.read_bytes()), "plain").count("line") == 5000
