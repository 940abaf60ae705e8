# SPDX-License-Identifier: Apache-2.0
"""The counts of a ledger: on a terminal, as a page, for programs."""
