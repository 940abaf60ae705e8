# SPDX-License-Identifier: Apache-2.0
"""Versions on record, the notices that each owes, and the numbers that stand for them."""
