# SPDX-License-Identifier: Apache-2.0
"""A time stamp authority of RFC 3161 on this machine: ``openssl ts -reply`` behind a small web server."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

_SETTINGS = """[tsa]
default_tsa = t
[t]
serial = {folder}/serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
[ext]
extendedKeyUsage = critical,timeStamping
"""


class Authority:
    """One with a certificate of its own; ``broken``: it answers with an error page."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.broken = folder, False
        (folder / "settings").write_text(_SETTINGS.format(folder=folder))
        (folder / "serial").write_text("01\n")
        key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        self._run(f"req -x509 {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=ca")
        self._run(f"req {key} -keyout tsa.key -out tsa.csr -subj /CN=tsa")
        self._run(
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile settings "
            "-extensions ext -out tsa.pem"
        )

    @property
    def certificates(self) -> Path:
        return self.folder / "ca.pem"

    def _run(self, words: str) -> None:
        subprocess.run(["openssl", *words.split()], cwd=self.folder, check=True, capture_output=True)

    def reply(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        self._run(
            "ts -reply -queryfile query -config settings -section t -signer tsa.pem -inkey tsa.key -out reply"
        )
        return (self.folder / "reply").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Authority, str]]:
    """One that is at work, and where."""
    if shutil.which("openssl") is None:
        if os.environ.get("POLICYCTL_REQUIRE") == "all":
            pytest.fail("openssl is required and not installed")
        pytest.skip("openssl is not installed")
    made = Authority(tmp_path_factory.mktemp("tsa"))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            query = self.rfile.read(int(self.headers["Content-Length"]))
            data = b"<html>" if made.broken else made.reply(query)
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
