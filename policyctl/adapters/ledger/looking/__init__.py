# SPDX-License-Identifier: Apache-2.0
"""What is in the ledger: counts, listings, postings."""
