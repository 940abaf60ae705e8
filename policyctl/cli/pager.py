# SPDX-License-Identifier: Apache-2.0
"""Output that is longer than the screen goes through the pager a person is used to, as in git.

1. Only when standard output is a terminal that can do more than print: a pipe or a file gets the text itself.
2. ``--no-pager``, ``PAGER=cat`` or an empty ``PAGER`` says no; without ``PAGER`` it is ``less``.
3. ``LESS`` is set to ``FRX`` where it is not set: keep colours, stay on the screen, end when all fits.
4. A pager that cannot be started is no reason to show nothing.

What only a terminal needs is imported when there is one.
"""

from __future__ import annotations

import os
import shutil
import sys


def show(text: str, *, paged: bool = True) -> None:
    """Print ``text`` (which ends in a newline), through the pager where that helps a person."""
    command = _command() if paged and _is_long(text) else None
    if command is None or not _through(command, text):
        sys.stdout.write(text)


def _is_long(text: str) -> bool:
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return False
    return text.count("\n") >= shutil.get_terminal_size().lines


def _command() -> list[str] | None:
    import shlex

    try:
        words = shlex.split(os.environ.get("PAGER", "less"))
    except ValueError:  # a quote that is never closed
        return None
    program = shutil.which(words[0]) if words else None
    return [program, *words[1:]] if program and words[0] != "cat" else None


def _through(command: list[str], text: str) -> bool:
    """False when the pager could not be started."""
    import signal
    import subprocess

    sys.stdout.flush()
    try:
        pager = subprocess.Popen(command, stdin=subprocess.PIPE, env={"LESS": "FRX", **os.environ})
    except OSError:
        return False
    # Ctrl-C is for the pager. A pager that was left early has seen enough; communicate() is silent then.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pager.communicate(text.encode("utf-8", "backslashreplace"))
    finally:
        signal.signal(signal.SIGINT, before)
    return True
