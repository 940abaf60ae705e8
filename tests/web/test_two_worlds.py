# SPDX-License-Identifier: Apache-2.0
"""Two customers never see each other: one world in which acme is busy, one in which it does nothing; in both
bolt asks the same, and every answer, header, count and cursor that it gets is the same, byte for byte.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyctl import wiring
from policyctl.settings import load_settings
from policyctl.web import log
from policyctl.web.app import make_app
from tests.adapters.ledger_samples import KEY, day
from tests.web.service import ALL, CHANGE, EMAIL, NEWS, SERVICE, make_repository, new_key

AT = day("2026-11-05")
# Told apart from one request to the next on purpose, and by nothing that is in the ledger.
_OWN = ("x-request-id", "date")

SUBJECTS = st.sampled_from(["u1", "u2", "nobody"])
RECORDS = st.sampled_from(["r1", "r2", "7"])
DAYS = st.sampled_from(["2026-01-15T00:00:00Z", "2026-04-01T00:00:00Z", "2026-12-24T00:00:00Z"])
CUSTOMERS = st.sampled_from(["", "", "", "acme", "bolt", "no-such"])
KINDS = ("decide", "tag", "end", "erase", "choose", "refuse", "accept", "list", "count")
ONCE = st.sampled_from(["", "key-1", "key-2"])
Call = tuple[str, str, Any, str]
Said = tuple[int, dict[str, str], bytes]


def _with_customer(body: dict[str, Any], customer: str) -> dict[str, Any]:
    return {**body, "customer": customer} if customer else body


@st.composite
def calls(draw: st.DrawFn) -> Call:  # noqa: PLR0911 - one for each kind of call
    """Any call of a customer's key: method, path with question, body, Idempotency-Key."""
    who, named, once = draw(SUBJECTS), draw(CUSTOMERS), draw(ONCE)
    asked = {"subject": who, "category": EMAIL}
    match draw(st.sampled_from(KINDS)):
        case "decide":
            purpose = draw(st.sampled_from([SERVICE, NEWS]))
            question = {**asked, "purpose": purpose, "at": "2026-11-05T00:00:00Z"}
            return "POST", "/v1/decisions", _with_customer(question, named), ""
        case "tag":
            tag = {**asked, "record": draw(RECORDS), "collected_at": draw(DAYS)}
            return "POST", "/v1/tags", _with_customer(tag, named), once
        case "erase":
            return "POST", "/v1/erasures", _with_customer({"subject": who}, named), ""
        case "end":
            ended = {**asked, "record": draw(RECORDS)}
            return "POST", "/v1/tags/ends", _with_customer(ended, named), once
        case "choose":
            answer = draw(st.sampled_from(["consent", "refuse", "withdraw"]))
            return (
                "POST",
                "/v1/choices",
                _with_customer({"subject": who, "change": CHANGE, "answer": answer}, named),
                once,
            )
        case "refuse":
            whole = {"scope": "customer", "change": CHANGE, "answer": "refuse"}
            return "POST", "/v1/choices", _with_customer(whole, named), once
        case "accept":
            version = draw(st.sampled_from(["fax@v1", "fax@v2", "fax@v9"]))
            return (
                "POST",
                "/v1/acceptances",
                _with_customer({"subject": who, "version": version}, named),
                once,
            )
        case "list":
            path = draw(st.sampled_from(["/v1/tags", "/v1/choices", "/v1/receipts", "/v1/versions"]))
            of = f"&subject={who}" if path in {"/v1/tags", "/v1/choices"} else ""
            return "GET", f"{path}?limit=1{of}" + (f"&customer={named}" if named else ""), None, ""
        case _:
            path = draw(st.sampled_from(["/v1/stats", "/stats", "/metrics", "/healthz", "/readyz"]))
            return "GET", path, None, ""


class World:
    """The service, called in this process."""

    def __init__(self, app: Any, portal: BlockingPortal) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service.example")
        self.portal = portal

    def said(self, token: str, call: Call) -> Said:
        """Status, headers and body."""
        method, path, body, once = call
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": once} if once else {})
        got = self.portal.call(partial(self.http.request, method, path, json=body, headers=headers))
        told = {name: text for name, text in got.headers.items() if name not in _OWN}
        return got.status_code, told, got.content

    def answers(self, token: str, call: Call) -> list[Said]:
        """The answer, and of a listing all pages, each by the cursor of the one before."""
        found = [self.said(token, call)]
        while (
            call[0] == "GET"
            and found[-1][2].startswith(b"{")
            and (more := json.loads(found[-1][2]).get("next"))
        ):
            found.append(self.said(token, ("GET", f"{call[1]}&cursor={more}", None, "")))
        return found


@contextmanager
def world(template: Path, folder: Path, portal: BlockingPortal) -> Iterator[World]:
    """The service over a ledger of its own, which begins as the template's."""
    shutil.copytree(template, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())
        ledger = wiring.open_ledger(load_settings(folder))
    with ledger:
        yield World(make_app(ledger, wiring.open_keys(load_settings(folder))), portal)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    root = make_repository(tmp_path_factory.mktemp("template") / "policies")
    tokens = [new_key(root, *ALL, "erase", customer=name) for name in ("acme", "bolt")]
    wiring.open_keys(load_settings(root)).secret()
    return (root, *tokens)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(st.booleans(), calls()), min_size=2, max_size=14))
def test_what_one_customer_does_changes_no_byte_of_what_another_gets(
    steps: Sequence[tuple[bool, Call]],
    template: tuple[Path, str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root, acme, bolt = template
    folder = tmp_path_factory.mktemp("worlds")
    with ExitStack() as opened:
        opened.enter_context(pytest.MonkeyPatch.context()).setattr(log, "clock", lambda: AT)
        portal = opened.enter_context(start_blocking_portal())
        busy, quiet = (opened.enter_context(world(root, folder / name, portal)) for name in ("busy", "quiet"))
        for of_acme, call in steps:
            if of_acme:
                busy.said(acme, call)
            else:
                assert busy.answers(bolt, call) == quiet.answers(bolt, call), call
    shutil.rmtree(folder)
