# SPDX-License-Identifier: Apache-2.0
"""How many calls go under one batch id.

A service lets only so many batches be cancelled at a time (SendGrid: ten), and a million addressees are a
thousand calls: each under an id of its own, most of them could not be recalled. All under one id, a single
call in doubt would take all the others back. So it begins with one call, and while all goes well each
batch takes twice as many as the one before; after a call in doubt it begins with one again. Ten batches
hold a million addressees.

A batch is of one notice, as that is what a recall is about, and leaves at one time. It is closed while
there is time left to cancel it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

MOST_CALLS = 512
_OPEN_FOR = timedelta(minutes=8)  # it leaves after 25, and can be cancelled until ten before that


@dataclass(slots=True)
class SharedBatch:
    """The batch that the next calls of a run go under. ``taken``: addressees by batch id that this run has
    handed over.
    """

    notice_no: int = 0
    batch_id: str = ""
    send_at: datetime | None = None
    opened_at: datetime | None = None
    calls: int = 0
    most: int = 1
    taken: dict[str, int] = field(default_factory=dict)

    def holds(self, notice_no: int, now: datetime) -> bool:
        """Whether a call about that notice may go under it."""
        if not self.batch_id or self.opened_at is None:
            return False
        return self.notice_no == notice_no and timedelta() <= now - self.opened_at <= _OPEN_FOR

    def open(self, notice_no: int, batch_id: str, send_at: datetime, now: datetime) -> None:
        """A new one."""
        self.notice_no, self.batch_id, self.send_at, self.opened_at = notice_no, batch_id, send_at, now
        self.calls = 0

    def went(self, addressees: int) -> None:
        """A call was accepted."""
        self.taken[self.batch_id] = self.taken.get(self.batch_id, 0) + addressees
        self.calls += 1
        if self.calls >= self.most:
            self.close()
            self.most = min(self.most * 2, MOST_CALLS)

    def close(self) -> None:
        """Nothing more goes under it."""
        self.batch_id = ""

    def broke(self) -> None:
        """A call was in doubt."""
        self.close()
        self.most = 1
