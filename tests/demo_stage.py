# SPDX-License-Identifier: Apache-2.0
"""Plays the demo as the command does. Run as a script it writes ``diffs/`` of this repository anew."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from policyctl import wiring
from policyctl.actions.demo import DemoStage, play_demo, prepare_demo
from policyctl.adapters.sample import SLUG
from policyctl.core.story import DemoStory
from policyctl.settings import load_settings
from policyctl.wiring import mail as wiring_mail

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def staged(folder: Path) -> Iterator[DemoStage]:
    """A prepared demo and its adapters, made from the settings that lie in its folder."""
    repository = prepare_demo(folder)
    settings = load_settings(folder)
    history, ledger = wiring.open_history(settings), wiring.open_ledger(settings)
    mailer = wiring_mail.open_mailer(settings)
    with closing(repository), closing(history), closing(ledger), closing(mailer):
        yield DemoStage(
            repository=repository,
            history=history,
            ledger=ledger,
            mailer=mailer,
            mails=settings.root / settings.mail.folder,
            site=wiring.site_folder(settings),
            base_url=settings.base_url,
            sender=wiring.sender(settings),
            standards=wiring.standards(settings),
        )


def played(folder: Path) -> DemoStory:
    """The story, after it was played in ``folder``."""
    with staged(folder) as stage:
        return play_demo(stage)


def written_diffs(folder: Path) -> dict[str, bytes]:
    """What stands under ``diffs/`` of a repository, by path."""
    place = folder / "diffs" / SLUG
    return {path.name: path.read_bytes() for path in sorted(place.iterdir())} if place.is_dir() else {}


def main() -> None:
    """Replace ``diffs/`` of this repository by what publishing the sample writes now."""
    with tempfile.TemporaryDirectory(prefix="policyctl-demo-") as name:
        played(Path(name) / "demo")
        shutil.rmtree(ROOT / "diffs" / SLUG, ignore_errors=True)
        shutil.copytree(Path(name) / "demo" / "diffs" / SLUG, ROOT / "diffs" / SLUG)


if __name__ == "__main__":
    main()
