# SPDX-License-Identifier: Apache-2.0
"""Stands between a program and a PostgreSQL, and can cut the line just when a transaction is committed."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

_COMMIT, _WRITES = b"COMMIT\0", (b"INSERT INTO", b"COPY ")


class CuttingLine:
    """A socket in ``folder`` that leads to the server of ``target`` (a folder with its socket).

    ``cut``: None lets all pass; "before" drops the next COMMIT of a transaction that wrote instead of
    handing it on; "after" hands it on, waits for the server's answer, and drops that. Either closes the
    line, once.
    """

    def __init__(self, folder: Path, target: Path) -> None:
        self.cut: str | None = None
        self.cuts = 0
        self._target = str(target / ".s.PGSQL.5432")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._target)
                threading.Thread(target=self._up, args=(near, far), daemon=True).start()

    def _up(self, near: socket.socket, far: socket.socket) -> None:
        """One line: what the program says goes through here."""
        deaf = threading.Event()
        down = threading.Thread(target=self._down, args=(near, far, deaf), daemon=True)
        down.start()
        wrote = False
        with suppress(OSError):
            while said := near.recv(65536):
                wrote = wrote or any(word in said for word in _WRITES)
                if self.cut and wrote and _COMMIT in said:
                    kind, self.cut = self.cut, None
                    self.cuts += 1
                    if kind == "after":
                        deaf.set()
                        far.sendall(said)
                        down.join(10)
                    break
                wrote = wrote and _COMMIT not in said
                far.sendall(said)
        for end in (near, far):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        down.join(10)
        near.close()
        far.close()

    @staticmethod
    def _down(near: socket.socket, far: socket.socket, deaf: threading.Event) -> None:
        """What the server answers; the first answer after ``deaf`` is the last, and goes nowhere."""
        with suppress(OSError):
            while (answer := far.recv(65536)) and not deaf.is_set():
                near.sendall(answer)
        with suppress(OSError):
            near.shutdown(socket.SHUT_RDWR)  # the server is gone, so is this line
