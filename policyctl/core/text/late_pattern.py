# SPDX-License-Identifier: Apache-2.0
"""Regular expressions that are compiled when first used.

A class of characters with three ranges or more takes milliseconds to compile, and most texts have none
of the characters it is for.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Late:
    def __init__(self, source: str, flags: int) -> None:
        self._source, self._flags = source, flags

    def __getattr__(self, name: str) -> Any:
        """Called for what is not there yet: afterwards it is, and costs as little as the pattern's own."""
        value = getattr(re.compile(self._source, self._flags), name)
        setattr(self, name, value)
        return value


def late_pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """What ``re.compile`` gives, for what is seldom needed; an error in it shows at the first use."""
    return cast("re.Pattern[str]", _Late(source, flags))
