# SPDX-License-Identifier: Apache-2.0
"""What the keeper of a ledger does with the whole of it, or with all of one person."""
