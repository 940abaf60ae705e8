# SPDX-License-Identifier: Apache-2.0
"""What commands open, and close again however they end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.cli.printing import now
from policyctl.errors import UnreachableError

if TYPE_CHECKING:
    from policyctl.actions.evidence.trust import Trust
    from policyctl.adapters.ledger import Ledger
    from policyctl.adapters.repository.history import History
    from policyctl.core.judge.standards import BaseStandards, Standards
    from policyctl.settings import Settings


@dataclass(frozen=True, slots=True)
class Opened:
    """The policy repository the user stands in; each part is opened when it is first asked for."""

    settings: Settings
    stack: ExitStack

    def history(self) -> History:
        """Its git history."""
        from policyctl.wiring import open_history

        history = open_history(self.settings)
        self.stack.callback(history.close)
        return history

    def trust(self, history: History) -> Trust:
        """Whose version refs may enter the ledger."""
        from policyctl.actions.evidence.trust import Trust
        from policyctl.wiring import open_checker

        return Trust(open_checker(history), always=self.settings.sign == "always")

    def ledger(self, *, upgrade: bool = True) -> Ledger:
        """Its ledger, its tables brought up to date unless the command only looks."""
        from policyctl.wiring import open_ledger

        ledger = open_ledger(self.settings)
        self.stack.callback(ledger.close)
        if upgrade:
            # Of several servers one may be down, and the command be about another; else it says so itself.
            with suppress(UnreachableError):
                ledger.upgrade()
        for part in ledger.parts:
            # Whoever was erased is not back because an older copy is.
            with suppress(UnreachableError):
                part.custody.reapply(now())
        return ledger

    def standards(self) -> Standards:
        """What its policies are judged by."""
        from policyctl.wiring import standards

        return standards(self.settings)

    def base_standards(self, against: str) -> BaseStandards:
        """What a proposal is judged by: the settings as they are at ``against``."""
        from policyctl.wiring import base_standards

        return base_standards(self.settings, self.history(), against)


@contextmanager
def repository() -> Iterator[Opened]:
    """The policy repository that the working folder lies in; CannotCompareError where there is none."""
    from policyctl.settings import load_settings

    with ExitStack() as stack:
        yield Opened(load_settings(Path.cwd()), stack)
