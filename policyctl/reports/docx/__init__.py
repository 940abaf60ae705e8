# SPDX-License-Identifier: Apache-2.0
"""A revision as a Word document with tracked changes."""
