# SPDX-License-Identifier: Apache-2.0
"""The posted site: pure values to pages. ``pages.py`` lists every file of it.

``posted`` a version as it is posted, to and from its ``data.json`` · ``periods`` which version was in force
when · ``practice_tables`` what is collected, used and disclosed · ``clause_pages`` the history of clauses ·
``look`` templates, theme and the head of a page · ``memento`` RFC 7089, for who serves it
"""
