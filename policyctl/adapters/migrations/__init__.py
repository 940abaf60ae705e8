# SPDX-License-Identifier: Apache-2.0
"""The steps from an empty database to the tables of this release, run by ``Ledger.upgrade``.

A step that was released is never edited: what it made is in somebody's ledger.
"""
