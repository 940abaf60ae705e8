# SPDX-License-Identifier: Apache-2.0
"""docs/how-to/test-your-application.md holds: what it shows is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "test-your-application.md"


def test_the_examples_of_the_page_pass(pytester: pytest.Pytester) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    files = {name[1]: block for block in blocks if (name := re.match(r"# (\w+\.py)\n", block))}
    assert {"newsletter.py", "test_newsletter.py", "test_change.py", "test_client.py"} <= set(files)
    for name, block in files.items():
        (pytester.path / name).write_text(block, "utf-8")
    for block in set(blocks) - set(files.values()):
        compile(block, "fragment", "exec")
    run = pytester.runpytest_inprocess("-p", "policyctl.testing.pytest_plugin", "-p", "no:cacheprovider")
    run.assert_outcomes(passed=10)
