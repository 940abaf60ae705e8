# SPDX-License-Identifier: Apache-2.0
"""One ledger cut over several servers."""
