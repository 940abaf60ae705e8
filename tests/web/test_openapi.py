# SPDX-License-Identifier: Apache-2.0
"""The description of the service against the service: hundreds of made-up calls, each answer held against
what the description says of it. The file itself is held against the code in tests/test_docs.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from policyctl import wiring
from policyctl.adapters.mail.sendgrid_events import SendGridWebhook
from policyctl.settings import load_settings
from policyctl.web.app import make_app
from policyctl.web.openapi import document
from tests.adapters.ledger_samples import KEY
from tests.adapters.webhook_signer import Signer
from tests.web.service import CHANGE, EMAIL, SERVICE, make_repository, new_key

ROUTES = [(path, method) for path, methods in document()["paths"].items() for method in methods]
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


# Made-up names are nearly always unknown; these lead on, to the ledger.
KNOWN = {
    "subject": "u2", "customer": "acme", "category": EMAIL, "purpose": SERVICE, "change": CHANGE,
    "version": "fax@v2", "policy": "fax", "at": "2026-04-01T00:00:00Z",
    "collected_at": "2026-04-01T00:00:00Z",
}  # fmt: skip


def with_known_names(value: Any) -> Any:
    if isinstance(value, list):
        return [with_known_names(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: KNOWN[name] if isinstance(each, str) and name in KNOWN else with_known_names(each)
        for name, each in value.items()
    }


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    """The description bound to an application over a real ledger, and a key that may do everything."""
    root = make_repository(tmp_path_factory.mktemp("openapi") / "policies")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())
        ledger = wiring.open_ledger(load_settings(root))
    with ledger:
        found = schemathesis.openapi.from_dict(document())
        webhook = SendGridWebhook([Signer().public])
        found.app = make_app(ledger, wiring.open_keys(load_settings(root)), webhook=webhook)
        yield found, new_key(root, "admin")


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_no_call_that_can_be_made_up_gets_5xx_or_an_answer_that_is_not_described(
    path: str, method: str, described: tuple[Any, str]
) -> None:
    schema, token = described
    operation = schema[path][method.upper()]
    good = operation.as_strategy(GenerationMode.POSITIVE)
    takes = method == "post" or path == "/v1/versions"
    cases = st.one_of(good, operation.as_strategy(GenerationMode.NEGATIVE)) if takes else good

    @settings(
        max_examples=40 if takes else 5,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, known=st.booleans())
    def held(case: Any, known: bool) -> None:  # noqa: FBT001 - drawn, not passed
        if known:
            case.body = with_known_names(case.body)
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        case.validate_response(answer, checks=CHECKS)

    held()
