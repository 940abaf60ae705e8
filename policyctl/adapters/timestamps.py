# SPDX-License-Identifier: Apache-2.0
"""Time stamps by RFC 3161: an authority signs that it saw a hash at a moment. By the program ``openssl``.

The authority sees a SHA-256 and nothing else. Its reply is kept as it came, so that ``openssl ts`` can check
it without us.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from policyctl.core.proof.stamps import Stamp, Stamped
from policyctl.errors import CannotCompareError, RefusedError, UsageError

SECONDS = 30
_LONGEST = 100_000
_TIME = re.compile(r"^Time stamp: (?P<at>\w{3} +\d+ [\d:]{8})(?:\.\d+)? (?P<year>\d{4}) GMT$", re.MULTILINE)
_OTHER = "message imprint mismatch"


def request_stamp(url: str, digest: bytes) -> bytes:
    """The reply of the authority at ``url`` about a SHA-256. RefusedError where none is to be had."""
    with tempfile.TemporaryDirectory(prefix="policyctl-stamp-") as folder:
        query, reply = Path(folder) / "query", Path(folder) / "reply"
        _openssl("-query", "-digest", digest.hex(), "-sha256", "-cert", "-out", str(query))
        data = _posted(url, query.read_bytes())
        reply.write_bytes(data)
        said = _openssl("-reply", "-in", str(reply), "-text")
    if "Status: Granted" not in said or digest not in data:
        raise RefusedError(
            "the time stamp authority gave no stamp for what was asked",
            hint="look at [publish] timestamp_url",
        )
    return data


def _posted(url: str, query: bytes) -> bytes:
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    request = urllib.request.Request(url, query, headers)  # noqa: S310 - the settings allow http and https only
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            data: bytes = answer.read(_LONGEST)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise RefusedError(
            f"no time stamp could be had: {getattr(error, 'reason', error)}",
            hint="try again, or take timestamp_url out of [publish]",
        ) from error
    return data


class StampChecker:
    """Checks stamps by the certificates of authorities in ``authorities``, a file of PEM; None: of nobody."""

    def __init__(self, authorities: Path | None) -> None:
        if authorities is not None and not _holds_certificates(authorities):
            raise UsageError(
                f"{authorities} holds no certificate", hint="name a file of PEM certificates that you believe"
            )
        self._authorities = authorities

    def check(self, reply: bytes, digest: bytes) -> Stamp:
        """What a reply says about a SHA-256."""
        with tempfile.TemporaryDirectory(prefix="policyctl-stamp-") as folder:
            file = Path(folder) / "reply"
            file.write_bytes(reply)
            said = _openssl("-reply", "-in", str(file), "-text", fails="")
            found = _TIME.search(said)
            if found is None:
                return Stamp(Stamped.OTHER)
            at = datetime.strptime(f"{found['at']} {found['year']}", "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
            if self._authorities is None:
                return Stamp(Stamped.UNCHECKED, at)
            # As of the day of the stamp: the authority's certificate ends some day, what it stamped does not.
            words = ("-attime", str(int(at.timestamp())), "-CAfile", str(self._authorities))
            verdict = _openssl("-verify", "-digest", digest.hex(), "-in", str(file), *words, fails=_OTHER)
        if _OTHER in verdict:
            return Stamp(Stamped.OTHER, at)
        return Stamp(Stamped.GOOD if "Verification: OK" in verdict else Stamped.STRANGER, at)


def _holds_certificates(file: Path) -> bool:
    try:
        return b"-----BEGIN CERTIFICATE-----" in file.read_bytes()
    except OSError:
        return False


def _openssl(*words: str, fails: str | None = None) -> str:
    """What ``openssl ts`` said. ``fails`` not None: its failure is an answer too."""
    try:
        done = subprocess.run(
            ["openssl", "ts", *words],
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise CannotCompareError("openssl is missing", hint="time stamps need it: install it") from error
    if done.returncode and fails is None:
        raise RefusedError(
            "the time stamp authority's reply cannot be read", hint="look at [publish] timestamp_url"
        )
    return done.stdout + done.stderr
