# SPDX-License-Identifier: Apache-2.0
"""Named places where a test may pull the plug.

``POLICYCTL_FAULT=publish.ref-created`` ends the process there as ``kill -9`` would: no clean-up,
no flush. Unset, which it is for everybody but a test, ``fault_point`` does nothing.
"""

from __future__ import annotations

import os

KILLED = 137


def fault_point(step: str) -> None:
    """End the process at once when the environment names this step."""
    if os.environ.get("POLICYCTL_FAULT") == step:
        os._exit(KILLED)
