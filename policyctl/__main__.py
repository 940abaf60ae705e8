# SPDX-License-Identifier: Apache-2.0
"""``python -m policyctl``, and the console script."""

from __future__ import annotations

from policyctl.cli.app import run


def main() -> None:
    """Run the command line and leave by its exit code."""
    run()


if __name__ == "__main__":
    main()
