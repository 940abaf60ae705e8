# SPDX-License-Identifier: Apache-2.0
"""Data that was deleted: its tags have ended, and count no more from then on.

A piece of data has one end, whatever tags it has: it is named by subject, category and record, as the tags
are, and ends under every policy that has the category. An end is never taken back: new data under the
record of what was deleted would be undecided for ever, so it is refused where it is brought.
"""
