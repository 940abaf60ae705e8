# SPDX-License-Identifier: Apache-2.0
"""A process of its own that publishes or syncs, so that a test can kill it at a named step, or have
many do it at once (``race``: twenty processes that start together, their exit codes printed).

    python publisher.py publish|sync|race ROOT 2027-03-01T09:00:00+00:00 [SLUG ...]
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

from policyctl.errors import PolicyctlError
from tests.actions.instance import SLUG, Opened

RACERS = 20


def act(verb: str, root: Path, now: datetime, slug: str = SLUG) -> int:
    """The exit code that the command would leave by."""
    with Opened(root) as opened:
        try:
            print(opened.sync(now) if verb == "sync" else opened.publish(now, slug), flush=True)  # noqa: T201
        except PolicyctlError as error:
            print(error, flush=True)  # noqa: T201
            return error.exit_code
    return 0


def race(root: Path, now: datetime, slugs: list[str]) -> list[int]:
    """Forked after everything is imported, so that all are at the same point when they begin; each publishes
    one of the slugs in turn.
    """
    count = RACERS if len(slugs) == 1 else 3 * len(slugs)
    racers = []
    for number in range(count):
        child = os.fork()
        if not child:
            os._exit(act("publish", root, now, slugs[number % len(slugs)]))
        racers.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(racer, 0)[1]) for racer in racers]


if __name__ == "__main__":
    verb, root, now = sys.argv[1], Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
    if verb == "race":
        print("codes", *sorted(race(root, now, sys.argv[4:] or [SLUG])))  # noqa: T201
    else:
        sys.exit(act(verb, root, now))
