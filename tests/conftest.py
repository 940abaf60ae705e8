# SPDX-License-Identifier: Apache-2.0
"""What every room of tests may use: real peers, started when the first test asks for them."""

from __future__ import annotations

pytest_plugins = [
    "tests.peers.postgres",
    "tests.peers.office",
    "tests.peers.mail_checkers",
    "tests.peers.browser",
]
