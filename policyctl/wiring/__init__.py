# SPDX-License-Identifier: Apache-2.0
"""The only place that turns settings into adapters. Each library loads when its adapter is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.core.judge.catalogue import Catalogue, LocalTerms
from policyctl.core.judge.standards import BaseStandards, Standards, differences
from policyctl.core.policy import ChangeClass
from policyctl.core.practice import Taxonomy, Term
from policyctl.errors import CannotCompareError, InputError, UsageError
from policyctl.settings import FILE, Settings, parse_settings
from policyctl.settings.secrets import pseudonym_key

if TYPE_CHECKING:
    from policyctl.adapters.bulk import Cluster
    from policyctl.adapters.github import GitHub
    from policyctl.adapters.key_file import KeyFile, LinkKeyFile
    from policyctl.adapters.ledger import Ledger
    from policyctl.adapters.ledger.checking import Record
    from policyctl.adapters.ledger.custody.erasures import ErasureList
    from policyctl.adapters.ledger.custody.restoring import Restoring
    from policyctl.adapters.links import Links
    from policyctl.adapters.pdf import Printer
    from policyctl.adapters.repository.bundle import TagSignatures
    from policyctl.adapters.repository.history import History
    from policyctl.adapters.repository.signatures import SignatureChecker
    from policyctl.adapters.site.folder import PostedFolder
    from policyctl.adapters.site.theme import ThemeFiles
    from policyctl.adapters.timestamps import StampChecker
    from policyctl.core.notices.notice import Sender
    from policyctl.core.proof.heads import Anchor

AUTHORITIES = "POLICYCTL_TIMESTAMP_AUTHORITIES"
ALLOWED_SIGNERS = "POLICYCTL_ALLOWED_SIGNERS"
_SQLITE = "sqlite:///"


def open_history(settings: Settings) -> History:
    """The git history of the policy repository, whose top ``policyctl.toml`` must stand at."""
    from policyctl.adapters.repository import history

    found = history.open_history(settings.root)
    if found.root != settings.root.absolute():
        found.close()
        raise CannotCompareError(
            f"policyctl.toml is not at the top of its git repository ({found.root})",
            hint="move it and policies/ there, or run `git init` beside it",
        )
    return found


def history_at(start: Path) -> History | None:
    """The git history that ``start`` lies in, None outside of any repository: two files can be
    compared without one.
    """
    from policyctl.adapters.repository import history

    return history.open_history(start) if history.find_root(start) else None


def catalogue(settings: Settings | None = None) -> Catalogue:
    """Terms and word lists: those of the package, and the repository's own."""
    from policyctl.adapters.catalogue import load_catalogue

    return load_catalogue(_local_terms(settings) if settings else None)


def _local_terms(settings: Settings) -> LocalTerms:
    kinds: dict[str, dict[str, Term]] = {"categories": {}, "purposes": {}, "recipients": {}}
    for term in settings.terms:
        kinds[term.kind][term.id] = Term(term.id, term.label, sensitive=term.sensitive, dpv=term.dpv)
    return LocalTerms(kinds["categories"], kinds["purposes"], kinds["recipients"])


def standards(settings: Settings | None = None) -> Standards:
    """What policies are judged by; without settings the defaults of the package."""
    chosen = settings or Settings(Path())
    lead = chosen.lead_time
    return Standards(
        catalogue=catalogue(settings),
        lead_days={
            ChangeClass.EDITORIAL: lead.editorial,
            ChangeClass.NOTICE: lead.notice,
            ChangeClass.CHOICE: lead.choice,
            ChangeClass.TRANSITION: lead.transition,
        },
        regimes=chosen.regimes,
        answer_days=chosen.answer_days,
        max_bytes=chosen.max_bytes,
    )


def base_standards(settings: Settings, history: History, against: str) -> BaseStandards:
    """What a proposal is judged by: the settings of the revision it is held against, so that it cannot
    weaken the rules it is judged by. Terms it adds are known, and told; none that was there is redefined.
    """
    from policyctl.adapters.files import decode
    from policyctl.adapters.repository.names import version_key

    key = version_key(against)
    commit = history.version(key).commit if key else history.resolve(against)
    data = history.find(commit, FILE)
    try:
        base = (
            parse_settings(decode(data, file=FILE), root=settings.root) if data else Settings(settings.root)
        )
    except InputError as error:
        raise CannotCompareError(
            f"{FILE} of {against} cannot be read: {error}", hint="compare with a later revision"
        ) from error
    known = {(term.kind, term.id) for term in base.terms}
    added = tuple(term for term in settings.terms if (term.kind, term.id) not in known)
    judged_by = standards(replace(base, terms=(*base.terms, *added)))
    before = standards(base) if added else judged_by
    return BaseStandards(judged_by, differences(before, standards(settings)))


def open_ledger(settings: Settings, url: str | None = None) -> Ledger:
    """The ledger, or the one at another URL, not touched yet. UsageError where there is no pseudonym key."""
    from policyctl.adapters import ledger

    key, terms = pseudonym_key(settings.root), catalogue(settings).taxonomy
    if settings.ledger_shards and url is None:
        opened = _open_shards(settings, key, terms)
    else:
        opened = ledger.open_ledger(url or ledger_url(settings), key=key, taxonomy=terms)
    for number, part in enumerate(opened.parts, start=server_number(settings)):
        part.server, part.erasures = number, open_erasures(settings, key, number)
    return opened


def open_whole(settings: Settings) -> Ledger:
    """The ledger on all its servers, whichever of them the environment names."""
    from policyctl.adapters.ledger.sharding import shards

    if not settings.ledger_shards:
        return open_ledger(settings)
    urls = [_placed(settings, url) for url in settings.ledger_shards]
    key, terms = pseudonym_key(settings.root), catalogue(settings).taxonomy
    return shards.open_shards(urls, key=key, taxonomy=terms)


def open_restoring(settings: Settings, folder: Path, now: datetime, *, force: bool) -> Restoring:
    """A backup on its way back."""
    from policyctl.adapters.ledger.custody.restoring import Restoring

    key = pseudonym_key(settings.root)
    return Restoring(folder, key, open_erasures(settings, key), now, force)


def restore_url(settings: Settings, to: str | None) -> str:
    """Where a backup goes. UsageError where the settings name several servers, and none is named."""
    if to is None and settings.ledger_shards:
        raise UsageError("[ledger] shards names several servers", hint="name the one with --to URL")
    return _placed(settings, to or settings.ledger_url)


def open_erasures(settings: Settings, key: bytes, server: int = 0) -> ErasureList:
    """The list of erasures, outside of the ledger, as one of its servers sees it."""
    from policyctl.adapters.ledger.custody.erasures import ErasureList

    return ErasureList(settings.root / settings.erasures, key, server)


def _open_shards(settings: Settings, key: bytes, terms: Taxonomy) -> Ledger:
    """All servers of the ledger, or the one that the environment names."""
    from policyctl.adapters.ledger.sharding import shard, shards

    urls = [_placed(settings, url) for url in settings.ledger_shards]
    if one := os.environ.get(shard.VARIABLE):
        return shards.open_one(urls, one, key=key, taxonomy=terms)
    return shards.open_shards(urls, key=key, taxonomy=terms)


def open_records(settings: Settings, url: str | None = None) -> tuple[Record, ...]:
    """The ledger, to be looked through, on each of its servers; or the one at another URL. Needs no key."""
    from policyctl.adapters.ledger.checking import open_record

    if url is not None:
        if "://" not in url and not Path(url).is_file():
            raise UsageError(f"{url} is no file", hint="name the copy of a ledger, or its URL")
        named = url if "://" in url else f"{_SQLITE}{Path(url).absolute()}"
        return (open_record(named),)
    return tuple(
        open_record(_placed(settings, each)) for each in settings.ledger_shards or (settings.ledger_url,)
    )


def kept_heads(settings: Settings, records: Sequence[Record]) -> tuple[Anchor, ...]:
    """The head in the list of erasures, but for one that is known to be lost; of a ledger in one place, as
    the list does not say of which server a head is. Needs no key.
    """
    if settings.ledger_shards or not records:
        return ()
    lost = records[0].lost_up_to()
    return tuple(each for each in open_erasures(settings, b"").anchors() if each.head.entry > lost)


def server_number(settings: Settings) -> int:
    """Which server of several the environment names, from 0; 0 for a ledger in one place."""
    from policyctl.adapters.ledger.sharding import shard

    said = os.environ.get(shard.VARIABLE, "") if settings.ledger_shards else ""
    return int(said) - 1 if said.isascii() and said.isdigit() else 0


def open_checker(
    history: History, named: Path | None = None, environment: Mapping[str, str] | None = None
) -> SignatureChecker:
    """What checks signatures: by the list ``named``, else the environment's, else the user's own git's."""
    from policyctl.adapters.repository.signatures import SignatureChecker, find_allowed_signers

    given = os.environ if environment is None else environment
    said = str(named) if named else given.get(ALLOWED_SIGNERS, "")
    return SignatureChecker(history.runner, find_allowed_signers(history.runner, said))


def open_stamper(settings: Settings) -> Callable[[bytes], bytes] | None:
    """What has version refs stamped with the time; None where no authority is named."""
    if not settings.timestamp_url:
        return None
    from policyctl.adapters.timestamps import request_stamp

    return partial(request_stamp, settings.timestamp_url)


def open_stamp_checker(
    named: Path | None = None, environment: Mapping[str, str] | None = None
) -> StampChecker:
    """What checks time stamps, by the certificates ``named``, else those that the environment names."""
    from policyctl.adapters.timestamps import StampChecker

    given = os.environ if environment is None else environment
    said = str(named) if named else given.get(AUTHORITIES, "")
    if said and not Path(said).is_file():
        raise UsageError(f"the certificates {said} are not there", hint="name a file of PEM certificates")
    return StampChecker(Path(said) if said else None)


def open_tag_signatures(named: Path | None = None) -> TagSignatures:
    """What checks the signatures of tag objects that come in a bundle; the list as for version refs."""
    from policyctl.adapters.repository.bundle import TagSignatures

    return TagSignatures(str(named or os.environ.get(ALLOWED_SIGNERS, "")))


def ledger_url(settings: Settings) -> str:
    """The ledger's URL with a relative SQLite file placed below the top of the repository."""
    return _placed(settings, settings.ledger_url)


def _placed(settings: Settings, url: str) -> str:
    if not url.startswith(_SQLITE) or url.startswith(f"{_SQLITE}/"):
        return url
    return f"{_SQLITE}{settings.root.absolute() / url.removeprefix(_SQLITE)}"


def open_keys(settings: Settings) -> KeyFile:
    """The file that holds the digests of the service's API keys."""
    from policyctl.adapters.key_file import KeyFile

    return KeyFile(settings.root / settings.web.keys)


def spark_cluster(settings: Settings, master: str | None = None) -> Cluster:
    """Where Spark runs: on ``master``, else as ``[spark]`` says."""
    from policyctl.adapters.bulk import Cluster

    folder = settings.root / settings.spark.folder if settings.spark.folder else None
    return Cluster(master or settings.spark.master, folder)


def open_link_keys(settings: Settings) -> LinkKeyFile:
    """The file of keys that links in mails are signed with."""
    from policyctl.adapters.key_file import LinkKeyFile

    return LinkKeyFile(settings.root / settings.web.link_keys)


def open_links(settings: Settings) -> Links | None:
    """The links to the pages of the service; None where ``[web] url`` does not say where they are served.
    UsageError where they cannot be signed.
    """
    if not settings.web.url:
        return None
    try:
        from policyctl.adapters.links import Links
    except ImportError as error:
        raise UsageError(
            "[web] url is set, and the library that signs links is not installed",
            hint="install it with: pip install 'policyctl[web]'",
        ) from error
    keys = open_link_keys(settings)
    links = Links(settings.web.url, lambda: tuple(keys.all().values()), days=settings.web.link_days)
    links.require_key()
    return links


def site_folder(settings: Settings) -> Path:
    """Where the pages are written."""
    return settings.root / settings.site_folder


def open_posted(settings: Settings) -> PostedFolder:
    """The posted pages, for who serves them."""
    from policyctl.adapters.site.folder import PostedFolder

    return PostedFolder(site_folder(settings))


def theme_files(settings: Settings, slugs: frozenset[str]) -> ThemeFiles | None:
    """The company's own look; None without ``[site] theme``."""
    if not settings.site.theme:
        return None
    from policyctl.adapters.site.theme import read_theme

    return read_theme(settings.root, settings.site.theme, slugs)


def sender(settings: Settings) -> Sender:
    """Who the notices come from."""
    from policyctl.core.notices.notice import Sender

    mail = settings.mail
    return Sender(mail.from_address, mail.from_name, mail.reply_to, mail.postal_address, settings.base_url)


def open_printer() -> Printer | None:
    """What makes PDFs; None without the extra ``policyctl[pdf]``."""
    from policyctl.adapters import pdf

    return pdf.open_printer()


def late_printer() -> Callable[[], Printer | None] | None:
    """The same, opened when the first PDF is to be made; None without the extra."""
    from policyctl.adapters import pdf

    return cache(pdf.open_printer) if pdf.is_installed() else None


def open_github(environment: Mapping[str, str] | None = None) -> GitHub:
    """The repository a workflow runs in, by what GitHub Actions puts into the environment."""
    from policyctl.adapters.github import API, GitHub

    given = os.environ if environment is None else environment
    repository, token = given.get("GITHUB_REPOSITORY", ""), given.get("GITHUB_TOKEN", "")
    return GitHub(repository, token, api=given.get("GITHUB_API_URL") or API)
