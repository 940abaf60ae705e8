# SPDX-License-Identifier: Apache-2.0
"""A process of its own that publishes or syncs, so that a test can kill it at a named step.

python publisher.py publish|sync ROOT 2027-03-01T09:00:00+00:00
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from policyctl.errors import PolicyctlError
from tests.actions.instance import Opened

if __name__ == "__main__":
    verb, root, now = sys.argv[1:]
    with Opened(Path(root)) as opened:
        act = opened.publish if verb == "publish" else opened.sync
        try:
            print(act(datetime.fromisoformat(now)))  # noqa: T201 - the test reads it
        except PolicyctlError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(error.exit_code)
