# SPDX-License-Identifier: Apache-2.0
"""The service described in OpenAPI 3.1, from the very types and routes that it works with.

``docs/generate.py`` writes it to docs/reference/openapi.json; a test fails where the two differ.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import msgspec

from policyctl.actions.schema import schema
from policyctl.web import events
from policyctl.web.api import Erased, Written
from policyctl.web.app import ENDPOINTS, Endpoint
from policyctl.web.bodies import (
    MOST_ROWS,
    AcceptanceRequest,
    ChoiceRequest,
    ChoicesQuery,
    DecisionRequest,
    EndRequest,
    ErasureRequest,
    Name,
    Paged,
    ReceiptsQuery,
    StatsQuery,
    TagRequest,
    TagsQuery,
    VersionsQuery,
)
from policyctl.web.listing import ChoicesBody, ReceiptsBody, TagsBody, VersionsBody
from policyctl.web.problems import PROBLEMS, ProblemBody

_REF = "#/components/schemas/{name}"
_KINDS = (
    DecisionRequest, TagRequest, EndRequest, ChoiceRequest, AcceptanceRequest, ErasureRequest, Written,
    Erased, VersionsBody, TagsBody, ChoicesBody, ReceiptsBody, ProblemBody,
)  # fmt: skip
# path -> the type of one row, the name of the list of them, and what comes back with which status
_WRITES = {
    "/v1/decisions": (DecisionRequest, "requests"),
    "/v1/tags": (TagRequest, "tags"),
    "/v1/tags/ends": (EndRequest, "ends"),
    "/v1/choices": (ChoiceRequest, None),
    "/v1/acceptances": (AcceptanceRequest, None),
    "/v1/erasures": (ErasureRequest, None),
}
# What may be sent again as it is: asked twice, or done and then found done.
_REPEATED = {"/v1/decisions", "/v1/erasures"}
# path -> the parameters, and the type that comes back (None: it is described elsewhere)
_READS: dict[str, tuple[type[msgspec.Struct], type[msgspec.Struct] | None]] = {
    "/v1/versions": (VersionsQuery, VersionsBody),
    "/v1/tags": (TagsQuery, TagsBody),
    "/v1/choices": (ChoicesQuery, ChoicesBody),
    "/v1/receipts": (ReceiptsQuery, ReceiptsBody),
    "/v1/stats": (StatsQuery, None),
    "/stats": (StatsQuery, None),
}
_ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Sent again with the same body, nothing is done twice and the answer is the first one.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}


@cache
def document() -> dict[str, Any]:
    """The whole description."""
    _, schemas = msgspec.json.schema_components(_KINDS, ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "policyctl",
            "version": "1",
            "summary": "Tag data with the version of the policy it came under, and ask before it is used.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": {**_paths(), **_own()},
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic", "description": "The key as the password."},
            },
            "schemas": {
                **dict(sorted(schemas.items())),
                "Decision": _schema_of("decision", "Decision"),
                "Ledger": _schema_of("ledger", "Ledger"),
            },
        },
    }


def text() -> str:
    """The same as the file holds it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _schema_of(name: str, here: str) -> dict[str, Any]:
    """That of ``policyctl schema NAME``, its inner references leading to where it stands here."""
    inner = schema(name).replace('"#/', f'"{_REF.format(name=here)}/')
    found: dict[str, Any] = json.loads(inner)
    return {name: value for name, value in found.items() if name not in {"$schema", "$id"}}


def _paths() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in ENDPOINTS:
        found.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return found


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    name, reads = endpoint.path.rsplit("/", maxsplit=1)[1], endpoint.method == "GET"
    good = _good_read(endpoint) if reads else _good(endpoint.path)
    found: dict[str, Any] = {
        "operationId": ("page" if endpoint.page else "list") + name.title() if reads else name,
        "summary": " ".join((endpoint.work.__doc__ or "").split()),
        "description": f"Scope `{endpoint.scope.value}`.",
        "responses": {**good, **_problems(*_bad(endpoint))},
    }
    if reads:
        found["parameters"] = _parameters(endpoint)
    else:
        found["requestBody"] = {"required": True, "content": _json(_body(endpoint.path))}
        if endpoint.path not in _REPEATED:
            found["parameters"] = [_ONCE]
    return {**found, "security": [{"key": []}, {"password": []}]} if endpoint.page else found


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    kind = _READS[endpoint.path][0]
    schema_ = msgspec.json.schema(kind)["$defs"][kind.__name__]
    found = [
        {"name": name, "in": "query", "required": name in schema_["required"], "schema": _given(each)}
        for name, each in schema_["properties"].items()
    ]
    tag = {"name": "If-None-Match", "in": "header", "schema": {"type": "string", "pattern": "^[!-~ ]*$"}}
    return found if endpoint.page else [*found, tag]


def _given(schema_: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is there is not null."""
    kinds = [each for each in schema_.get("anyOf", [schema_]) if each.get("type") != "null"]
    return {name: value for name, value in kinds[0].items() if name != "default" or value is not None}


def _good_read(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.page:
        page = {"text/html": {"schema": {"type": "string"}}}
        return {"200": {"description": "The page.", "content": page}}
    body = _READS[endpoint.path][1]
    headers = {"ETag": {"schema": {"type": "string"}}}
    if body is None:
        headers["Age"] = {"schema": {"type": "integer"}}
    ref = {"$ref": _REF.format(name=body.__name__ if body else "Ledger")}
    return {
        "200": {"description": "What there is.", "headers": headers, "content": _json(ref)},
        "304": {"description": "It is as it was."},
    }


def _body(path: str) -> dict[str, Any]:
    kind, plural = _WRITES[path]
    ref = {"$ref": _REF.format(name=kind.__name__)}
    if plural is None:
        return ref
    customer = {"anyOf": [msgspec.json.schema(Name), {"type": "null"}], "default": None}
    _, schemas = msgspec.json.schema_components((kind,), ref_template=_REF)
    single = dict(schemas[kind.__name__])
    single["properties"] = {**single["properties"], "customer": customer}
    many = {
        "type": "object",
        "properties": {
            plural: {"type": "array", "items": ref, "minItems": 1, "maxItems": MOST_ROWS},
            "customer": customer,
        },
        "required": [plural],
        "additionalProperties": False,
    }
    return {"anyOf": [single, many]}


def _good(path: str) -> dict[str, Any]:
    if path == "/v1/decisions":
        one = {"$ref": _REF.format(name="Decision")}
        many = {
            "type": "object",
            "properties": {"decisions": {"type": "array", "items": one}},
            "required": ["decisions"],
            "additionalProperties": False,
        }
        return {
            "200": {
                "description": "The answer, or the answers in order.",
                "content": _json({"anyOf": [one, many]}),
            }
        }
    if path == "/v1/erasures":
        content = _json({"$ref": _REF.format(name="Erased")})
        later = "It is erased; old pages of the file wait until nobody reads them: `policyctl ledger scrub`."
        done = "It is erased, or nobody was known."
        return {
            "200": {"description": done, "content": content},
            "202": {"description": later, "content": content},
        }
    content = _json({"$ref": _REF.format(name="Written")})
    return {
        "200": {"description": "It was there already.", "content": content},
        "201": {"description": "It is in the ledger, for good.", "content": content},
    }


def _bad(endpoint: Endpoint) -> tuple[str, ...]:
    always = ("no-key", "not-allowed", "invalid-request", "unavailable")
    if endpoint.method == "GET":
        return (*always, "bad-cursor") if issubclass(_READS[endpoint.path][0], Paged) else always
    body = ("not-json", "body-too-large", "unsupported-media-type")
    once = () if endpoint.path in _REPEATED else ("bad-header", "conflict", "request-running", "key-reused")
    return (*always, *body, *once)


def _problems(*names: str) -> dict[str, Any]:
    by_status: dict[str, list[str]] = {}
    for name in names:
        by_status.setdefault(str(PROBLEMS[name][0]), []).append(name)
    schema_ = {"application/problem+json": {"schema": {"$ref": _REF.format(name="ProblemBody")}}}
    return {
        status: {"description": ", ".join(f"`{name}`" for name in found), "content": schema_}
        for status, found in sorted(by_status.items())
    }


def _own() -> dict[str, Any]:
    """The service's own paths."""
    status = _json({"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]})
    fine = {"200": {"description": "Yes.", "content": status}}
    words = {"text/plain": {"schema": {"type": "string"}}}
    figures = {
        "200": {"description": "For Prometheus.", "content": words},
        **_problems("no-key", "not-allowed", "unavailable"),
    }
    return {
        events.PATH: {"post": _sendgrid()},
        "/healthz": {"get": _plain("healthz", "The process answers.", fine, open_=True)},
        "/readyz": {
            "get": _plain("readyz", "It can be asked.", {**fine, **_problems("unavailable")}, open_=True)
        },
        "/metrics": {"get": _plain("metrics", "Counters, without ids. Scope `admin`.", figures)},
    }


def _sendgrid() -> dict[str, Any]:
    """Signed by SendGrid rather than opened by a key of ours."""
    headers = [
        {"name": f"X-Twilio-Email-Event-Webhook-{name}", "in": "header", "schema": {"type": "string"}}
        for name in ("Signature", "Timestamp")
    ]
    problems = _problems("not-json", "not-signed", "body-too-large", "unavailable", "no-webhook-key")
    found = _plain(
        "sendgrid_events",
        " ".join((events.take.__doc__ or "").split()),
        {"204": {"description": "They are in the ledger, for good."}, **problems},
        open_=True,
    )
    body = _json({"type": "array", "items": {"type": "object"}})
    return {**found, "parameters": headers, "requestBody": {"required": True, "content": body}}


def _plain(name: str, words: str, responses: dict[str, Any], *, open_: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": name, "summary": words, "responses": responses}
    return {**found, "security": []} if open_ else found


def _json(schema_: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema_}}
