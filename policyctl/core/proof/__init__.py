# SPDX-License-Identifier: Apache-2.0
"""What the record proves, and where it does not: version refs, the ledger's chain, anchors, cuts."""
