# SPDX-License-Identifier: Apache-2.0
"""A revision for people and machines: every face of ``policyctl diff``."""
