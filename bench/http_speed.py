# SPDX-License-Identifier: Apache-2.0
"""The service over loopback, as ratios in one run.

- a single decision against a raw ASGI application on the same server that answers the same question with
  the same action, no routes, no keys, no strict body: at least 0.50;
- a thousand in one request, about a thousand subjects, against the same thousand in process, at once and
  with every word of the explanation read: at least 0.85.

The rounds of both sides take turns, and each side counts by its best, so that what else the machine does
meets neither.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from policyctl import wiring  # noqa: E402
from policyctl.actions.deciding.decide import decide_use, decide_uses  # noqa: E402
from policyctl.actions.recording.tagging import NewTag, add_tags  # noqa: E402
from policyctl.core.use.decision import UseRequest  # noqa: E402
from policyctl.settings import load_settings  # noqa: E402
from policyctl.web import log  # noqa: E402
from policyctl.web.decided import decision_bytes  # noqa: E402
from tests.adapters.ledger_samples import KEY, day, subject  # noqa: E402
from tests.web.service import EMAIL, NOW, SERVICE, make_repository, new_key  # noqa: E402

ROUNDS, SINGLES = 25, 60
SINGLE_BAR, BATCH_BAR = 0.50, 0.85
QUESTION = {"subject": "u2", "category": EMAIL, "purpose": SERVICE, "customer": "acme"}


def raw_app(ledger: Any) -> Any:
    """The floor: the same action behind nothing."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        asked = json.loads(body)
        request = UseRequest(
            asked["subject"], asked["category"], asked["purpose"], log.clock(), None, None, asked["customer"]
        )
        content = decision_bytes(request, decide_use(request, ledger=ledger), whole=True)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return app


def run(root: str, listener: socket.socket, *, raw: bool) -> None:
    import asyncio

    import uvicorn

    from policyctl.web.app import make_app

    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    settings = load_settings(Path(root))
    ledger = wiring.open_ledger(settings)
    app = raw_app(ledger) if raw else make_app(ledger, wiring.open_keys(settings))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_keep_alive=600
    )
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


def started(root: Path, *, raw: bool) -> tuple[multiprocessing.Process, int]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    process = multiprocessing.Process(
        target=run, args=(str(root), listener), kwargs={"raw": raw}, daemon=True
    )
    process.start()
    return process, int(listener.getsockname()[1])


class Caller:
    def __init__(self, port: int, token: str) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def ask(self, body: bytes) -> bytes:
        self.connection.request("POST", "/v1/decisions", body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return content


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def figures(root: Path) -> tuple[float, float]:
    """The two ratios: floor's time by ours, each by its best round."""
    token = new_key(root)
    ledger = wiring.open_ledger(load_settings(root))
    people = [f"p{number}" for number in range(1_000)]
    ledger.import_subjects([subject(name, "acme") for name in people], now=NOW)
    tags = [NewTag(name, EMAIL, f"crm-{name}", day("2026-04-01")) for name in ("u2", *people)]
    add_tags(tags, now=NOW, ledger=ledger, customer="acme")
    floor, ours = started(root, raw=True), started(root, raw=False)
    raw, service = Caller(floor[1], token), Caller(ours[1], token)
    one = json.dumps(QUESTION).encode()
    thousand = json.dumps(
        {
            "customer": "acme",
            "requests": [{"subject": name, "category": EMAIL, "purpose": SERVICE} for name in people],
        }
    ).encode()
    same = [json.loads(caller.ask(one)) for caller in (raw, service)]
    assert same[0]["answer"] == same[1]["answer"] == "permitted"

    def in_process() -> list[dict[str, object]]:
        now = log.clock()
        requests = [UseRequest(name, EMAIL, SERVICE, now, None, None, "acme") for name in people]
        return [
            {"answer": found.answer, "reasons": found.reasons, "tags": found.tags, "missing": found.missing}
            for found in decide_uses(requests, ledger=ledger)
        ]

    told = json.loads(service.ask(thousand))["decisions"]
    for one_told, mine in zip(told, in_process(), strict=True):
        assert one_told["answer"] == mine["answer"] == "permitted"
        assert [each["text"] for each in one_told["reasons"]] == [each.text for each in mine["reasons"]]
        assert one_told["tags"][0]["record"] == mine["tags"][0].record

    singles, batches, busy, alone_busy = [], [], [], []
    for _ in range(ROUNDS):
        idle = [processor_seconds(process.pid) for process, _ in (floor, ours)]
        fast = seconds(lambda: [raw.ask(one) for _ in range(SINGLES)])
        slow = seconds(lambda: [service.ask(one) for _ in range(SINGLES)])
        singles.append((fast, slow))
        first, second = (processor_seconds(process.pid) for process, _ in (floor, ours))
        alone_busy.append((first - idle[0], second - idle[1]))
        before = time.process_time(), processor_seconds(ours[0].pid)
        alone = seconds(in_process)
        between = time.process_time()
        together = seconds(lambda: service.ask(thousand))
        busy.append((between - before[0], processor_seconds(ours[0].pid) - before[1]))
        batches.append((alone, together))
        print(
            f"  raw {SINGLES / fast:,.0f}/s, service {SINGLES / slow:,.0f}/s; "
            f"in process {1_000 / alone:,.0f}/s, 1,000 in one {1_000 / together:,.0f}/s"
        )
    for process, _ in (floor, ours):
        process.terminate()
        process.join()
    if busy[0][1]:
        share = f"{by_best(alone_busy):.2f} and {by_best(busy):.2f}"
        print(f"of a processor's time, which a busy machine leaves alone, the two are {share}")
    return by_best(singles), by_best(batches)


def processor_seconds(pid: int | None) -> float:
    """What all threads of a process had of a processor until now; 0 where the system does not tell."""
    try:
        tasks = [each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    except OSError:
        return 0.0
    return sum(int(each.split()[0]) for each in tasks) / 1e9


def by_best(rounds: list[tuple[float, float]]) -> float:
    floor, ours = (min(side) for side in zip(*rounds, strict=True))
    return floor / ours


def main() -> int:
    os.environ["POLICYCTL_PSEUDONYM_KEY"] = KEY.hex()
    with tempfile.TemporaryDirectory() as folder:
        root = make_repository(Path(folder) / "policies")
        os.environ["POLICYCTL_PSEUDONYM_KEY"] = KEY.hex()
        single, batch = figures(root)
    print(f"single decision / raw ASGI: {single:.2f} (bar {SINGLE_BAR})")
    print(f"1,000 in one request / in process: {batch:.2f} (bar {BATCH_BAR})")
    return int(single < SINGLE_BAR or batch < BATCH_BAR)


if __name__ == "__main__":
    sys.exit(main())
