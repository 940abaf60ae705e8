# SPDX-License-Identifier: Apache-2.0
"""The sample policy and its people, which ship inside the package."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

SLUG = "example-fax"
VERSIONS = (1, 2, 3, 4)
FILES = ("policy.md", "practices.yaml")


def sample_version(number: int) -> Mapping[str, str]:
    """The files of one version of the sample policy: path in a policy repository -> text."""
    folder = resources.files("policyctl").joinpath("sample", f"v{number}")
    return {f"policies/{SLUG}/{name}": folder.joinpath(name).read_text("utf-8") for name in FILES}


def sample_settings() -> str:
    """The ``policyctl.toml`` of the sample."""
    return resources.files("policyctl").joinpath("sample", "policyctl.toml").read_text("utf-8")


def sample_table(name: str) -> bytes:
    """A CSV file of the sample: ``customers.csv``, ``subjects.csv``, ``tags-spring.csv`` ..."""
    return resources.files("policyctl").joinpath("sample", "data", name).read_bytes()
