# SPDX-License-Identifier: Apache-2.0
"""What ``doctor`` looks at where things can part from each other: version refs, ledger, site, posted page.

``checks`` what one look gives · ``record`` the ledger against the version refs · ``posted`` the folder of the
site, and a live address · ``due`` what is owed, and whether anybody works on it
"""
