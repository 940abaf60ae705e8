# SPDX-License-Identifier: Apache-2.0
"""The HTTP service, and the keys that its callers need."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.people import group_of
from policyctl.cli.printing import Format, FormatOption, emit, emit_json, now
from policyctl.cli.setup import print_receipt
from policyctl.errors import UsageError

if TYPE_CHECKING:
    from policyctl.adapters.key_file import KeyFile
    from policyctl.core.access import ApiKey
    from policyctl.reports.site.version_pages import Printing
    from policyctl.settings import Settings
    from policyctl.web.site import SitePages


_USUAL = (700, 10, 10)  # how often Python looks for garbage by itself
_LAST_PORT = 65535


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(app, "serve", "policyctl serve", "policyctl serve --host 10.0.0.5 --port 8443")(serve)
    group = group_of("API keys of the service.", "policyctl keys list")
    command(
        group,
        "new",
        "policyctl keys new 'sign-up form' --scope tag --scope choose",
        "policyctl keys new mailer --scope decide --customer harbour-clinic",
    )(keys_new)
    command(group, "list", "policyctl keys list")(keys_list)
    command(group, "revoke", "policyctl keys revoke 0f3a5c7e9b1d")(keys_revoke)
    app.add_typer(group, name="keys")


def serve(
    *,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Instead of [web] host.")] = None,
    port: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Instead of [web] port; 0: any free one.")
    ] = None,
) -> None:
    """Serve tags, choices and decisions over HTTP until SIGTERM. It speaks no TLS: put it behind what does.

    Callers need an API key: `policyctl keys new`. The log goes to standard error, one JSON line a request.
    With [web] url, the pages that mails link to are served too: `policyctl links rotate`. So are the posted
    pages that `policyctl site build` writes, below the path of [site] base_url.
    """
    try:
        from policyctl.web.answers import Pages
        from policyctl.web.server import serve as action
    except ImportError as error:
        raise UsageError(
            "the service needs libraries that are not installed",
            hint="install them with: pip install 'policyctl[web]'",
        ) from error
    if port is not None and not (port.isascii() and port.isdigit() and int(port) <= _LAST_PORT):
        raise UsageError(f"{port!r} is no port", hint="write a number from 0 to 65535")
    gc.set_threshold(*_USUAL)  # unlike other commands (cli/app.py) this one lives long
    with repository() as opened:
        from policyctl.actions.custody.runs import noted
        from policyctl.wiring import open_keys, open_links, sender
        from policyctl.wiring.mail import open_webhook

        web, links = opened.settings.web, open_links(opened.settings)
        ledger = opened.ledger()
        with noted("serve", ledger, now):
            action(
                ledger,
                open_keys(opened.settings),
                host=host or web.host,
                port=web.port if port is None else int(port),
                pages=Pages(links, sender(opened.settings)) if links else None,
                webhook=open_webhook(opened.settings),
                site=_site_pages(opened.settings),
            )


def _site_pages(settings: Settings) -> SitePages:
    """The posted pages; what compares any two versions is made ready when first asked for."""
    from functools import cache

    from policyctl.actions.site.build import open_printing
    from policyctl.cli.site import site_options
    from policyctl.web.site import SitePages
    from policyctl.wiring import open_posted, standards

    options = site_options(settings)

    @cache
    def printing() -> Printing:
        return open_printing(options, standards(settings).catalogue.taxonomy)

    return SitePages(open_posted(settings), options.look.prefix, printing)


@contextmanager
def _keys() -> Iterator[KeyFile]:
    from policyctl.wiring import open_keys

    with repository() as opened:
        yield open_keys(opened.settings)


def keys_new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it: who uses it, for what.")],
    *,
    scope: Annotated[
        list[str],
        typer.Option(metavar="SCOPE", help="tag, decide, choose, read, erase or admin; may be repeated."),
    ],
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="It reaches this customer's subjects and nobody else's.")
    ] = None,
) -> None:
    """Make an API key and print it, once: only its digest is kept. Without --customer it reaches the whole
    ledger; with it, the customer must be known already (`policyctl customers import`).
    """
    from policyctl.actions.recording.keys import new_key

    with repository() as opened:
        from policyctl.wiring import open_keys

        ledger = None if customer is None else opened.ledger(upgrade=False)
        made = new_key(name, scope, customer, now=now(), keys=open_keys(opened.settings), ledger=ledger)
    emit(f"{made.token}\n")


def keys_list(*, output_format: FormatOption = Format.TEXT) -> None:
    """List the API keys: id, name, scopes, customer, and when one was revoked. No key itself is kept."""
    with _keys() as keys:
        found = sorted(keys.all().values(), key=lambda key: key.made_at)
    if output_format is Format.JSON:
        emit_json({"keys": [_shown(key) for key in found]})
    else:
        emit("".join(f"{_line(key)}\n" for key in found) or "there is no key yet\n")


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "customer": key.customer,
        "made_at": key.made_at.isoformat(),
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }


def _line(key: ApiKey) -> str:
    whose = f"customer {key.customer}" if key.customer else "whole ledger"
    gone = f", revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else ""
    return f"{key.id}  {key.name}  ({', '.join(sorted(key.scopes))}; {whose}{gone})"


def keys_revoke(
    number: Annotated[str, typer.Argument(metavar="ID", help="As `policyctl keys list` shows it.")],
    *,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Revoke an API key: a running service refuses it from the next request on."""
    from policyctl.actions.recording.keys import revoke_key

    with _keys() as keys:
        done = revoke_key(number, now=now(), keys=keys)
    remarks = () if done else ("it was revoked before",)
    from policyctl.reports.receipt_v1 import Receipt

    print_receipt(
        Receipt("keys revoke", counts=(("key revoked", int(done)),), remarks=remarks), output_format
    )
