# SPDX-License-Identifier: Apache-2.0
"""What every file of the ledger stands on: the way to the database, its driver, numbers, entries."""
