# SPDX-License-Identifier: Apache-2.0
"""policyctl: versions of a privacy policy, what changed between them, and what data may be used for."""

__version__ = "0.1.0"
