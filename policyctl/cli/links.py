# SPDX-License-Identifier: Apache-2.0
"""The keys that links in mails are signed with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.people import group_of
from policyctl.cli.printing import Format, FormatOption, emit, emit_json, now
from policyctl.cli.setup import print_receipt

if TYPE_CHECKING:
    from policyctl.adapters.key_file import LinkKeyFile


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    group = group_of("Keys that the links of mails are signed with.", "policyctl links list")
    command(group, "rotate", "policyctl links rotate")(links_rotate)
    command(group, "list", "policyctl links list")(links_list)
    command(group, "retire", "policyctl links retire 9f21c07e")(links_retire)
    app.add_typer(group, name="links")


@contextmanager
def _keys() -> Iterator[LinkKeyFile]:
    from policyctl.wiring import open_link_keys

    with repository() as opened:
        yield open_link_keys(opened.settings)


def links_rotate(*, output_format: FormatOption = Format.TEXT) -> None:
    """Make a key that the links of the next mails are signed with. Links of the key before it still open;
    older ones do no more. The first one is made so too.
    """
    from policyctl.actions.mailing.links import rotate_links
    from policyctl.core.links import in_force
    from policyctl.reports.receipt_v1 import Receipt
    from policyctl.reports.words import counted

    with _keys() as keys:
        fresh = rotate_links(now=now(), keys=keys)
        good = len(in_force(tuple(keys.all().values())))
        written = (str(keys.path.name),)
    remarks = (f"{fresh.id} signs from now on; {counted(good, 'key')} in force",)
    print_receipt(Receipt("links rotate", written=written, remarks=remarks), output_format)


def links_list(*, output_format: FormatOption = Format.TEXT) -> None:
    """List the keys: id, when it was made, and whether it signs, still opens links, or is retired."""
    from policyctl.core.links import in_force

    with _keys() as keys:
        found = sorted(keys.all().values(), key=lambda key: key.made_at)
    signing = {key.id for key in in_force(found)[-1:]}
    states = {
        key.id: "signs" if key.id in signing else "retired" if key.retired_at else "opens" for key in found
    }
    if output_format is Format.JSON:
        emit_json(
            {
                "keys": [
                    {"id": key.id, "made_at": key.made_at.isoformat(), "state": states[key.id]}
                    for key in found
                ]
            }
        )
        return
    lines = (f"{key.id}  {key.made_at:%Y-%m-%d}  {states[key.id]}\n" for key in found)
    emit("".join(lines) or "there is no key yet\n")


def links_retire(
    number: Annotated[str, typer.Argument(metavar="ID", help="As `policyctl links list` shows it.")],
    *,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Retire a key: links signed with it open nothing from the next request on, and say how to get a new
    one.
    """
    from policyctl.actions.mailing.links import retire_link_key
    from policyctl.reports.receipt_v1 import Receipt

    with _keys() as keys:
        done = retire_link_key(number, now=now(), keys=keys)
    remarks = () if done else ("it was retired before",)
    receipt = Receipt("links retire", counts=(("key retired", int(done)),), remarks=remarks)
    print_receipt(receipt, output_format)
