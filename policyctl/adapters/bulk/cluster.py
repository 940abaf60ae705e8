# SPDX-License-Identifier: Apache-2.0
"""Where Spark runs, and whether it can: looked at before any of it starts, as its own words are long."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from policyctl.errors import CannotCompareError, UsageError

LOCAL = "local[*]"
JAVA = 17
_LOCAL = re.compile(r"local(\[(\*|[1-9][0-9]{0,3})\])?")
_HOST = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}"
_STANDALONE = re.compile(rf"spark://({_HOST}(?:,{_HOST})*)")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_PATIENCE = 5.0
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Cluster:
    """``master``: ``local[*]`` for this machine, or ``spark://host:port`` of a standalone cluster.
    ``folder``: for the files that this process and the workers share, None for the temporary one.
    """

    master: str = LOCAL
    folder: Path | None = None

    @property
    def masters(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each master; none where Spark runs in one process here."""
        found = _STANDALONE.fullmatch(self.master)
        pairs = [each.rsplit(":", 1) for each in found[1].split(",")] if found else []
        return tuple((host, int(port)) for host, port in pairs)

    @property
    def only_here(self) -> bool:
        """True where no other machine takes part, so that nothing needs to be heard by one."""
        return all(host in _LOOPBACK for host, _ in self.masters)


def check_cluster(cluster: Cluster) -> None:
    """UsageError for an address or folder that cannot be, or without Java; CannotCompareError where no
    master answers.
    """
    ports = [port for _, port in cluster.masters]
    if not _LOCAL.fullmatch(cluster.master) and (not ports or max(ports) > _LAST_PORT):
        raise UsageError(
            f"{cluster.master!r} is no address of a Spark master", hint="write local[*], or spark://host:7077"
        )
    if cluster.folder is not None and not cluster.folder.is_dir():
        hint = "name a folder that this machine and every worker see"
        raise UsageError(f"the folder {cluster.folder} is not there", hint=hint)
    _check_java()
    if cluster.masters and not any(_answers(*master) for master in cluster.masters):
        raise CannotCompareError(
            f"no Spark master answers at {cluster.master}",
            hint="start it, or name another with --master; local[*] needs none",
        )


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host.strip("[]"), port), timeout=_PATIENCE):
            return True
    except OSError:
        return False


def _check_java() -> None:
    """As Spark's own scripts look for it: JAVA_HOME, else on PATH."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin") if home else None)
    where = f"JAVA_HOME ({home})" if home else "PATH"
    hint = f"install Java {JAVA} (a runtime will do), and set JAVA_HOME to it or put it on PATH"
    if java is None:
        raise UsageError(f"Spark needs Java {JAVA}, and there is none on {where}", hint=hint)
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', said.stderr)
    if found is None or int(found[1]) < JAVA:
        version = found[1] if found else "unknown"
        raise UsageError(f"Spark needs Java {JAVA}, and {java} is version {version}", hint=hint)
