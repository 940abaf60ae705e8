# SPDX-License-Identifier: Apache-2.0
"""Customers, subjects, and what they said."""
