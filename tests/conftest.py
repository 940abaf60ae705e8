# SPDX-License-Identifier: Apache-2.0
"""What every room of tests may use: real peers, started when the first test asks for them."""

from __future__ import annotations

import os

from hypothesis import settings

# pytest-xdist brings readline into its workers, which writes the size of a terminal there; no test is at one.
for _size in ("LINES", "COLUMNS"):
    os.environ.pop(_size, None)

# A slow machine is no fault of the code: speed is shown in bench/. The rest is as it is set, also in CI.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")

pytest_plugins = [
    "pytester",
    "tests.peers.postgres",
    "tests.peers.servers",
    "tests.peers.office",
    "tests.peers.mail_checkers",
    "tests.peers.page_checkers",
    "tests.peers.opensmtpd",
    "tests.peers.browser",
    "tests.peers.spark",
    "tests.peers.signing",
    "tests.peers.timestamps",
    "tests.peers.strace",
    "tests.desk",
]
