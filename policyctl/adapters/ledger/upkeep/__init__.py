# SPDX-License-Identifier: Apache-2.0
"""The upkeep of a large ledger: batches sealed, closed epochs laid anew and written out."""
