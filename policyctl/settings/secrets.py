# SPDX-License-Identifier: Apache-2.0
"""What must not stand in ``policyctl.toml``: secrets come from the environment, or from a file that git does
not hold and that nobody else may read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from policyctl.errors import RefusedError, UsageError

KEY_FILE = ".policyctl/pseudonym.key"
KEY_VARIABLE = "POLICYCTL_PSEUDONYM_KEY"


def pseudonym_key(root: Path, environment: Mapping[str, str] | None = None) -> bytes:
    """The key of the pseudonyms, in hex in the environment or in the key file. UsageError when there
    is none, RefusedError when others may read the file. The key is in no message.
    """
    given = (os.environ if environment is None else environment).get(KEY_VARIABLE)
    path = root / KEY_FILE
    if given is None and path.is_file():
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise RefusedError(f"{KEY_FILE} can be read by others", hint=f"run `chmod 600 {KEY_FILE}`")
        given = path.read_text("ascii", errors="replace")
    if given is None:
        raise UsageError(
            "there is no pseudonym key",
            hint=f"copy {KEY_FILE} from where the ledger is kept, or set {KEY_VARIABLE} to its 64 hex digits",
        )
    try:
        return bytes.fromhex(given.strip())
    except ValueError:
        raise UsageError(
            "the pseudonym key is not hexadecimal",
            hint=f"put 64 hex digits into {KEY_VARIABLE} or {KEY_FILE}",
        ) from None
