# SPDX-License-Identifier: Apache-2.0
"""Answers about the use of data: one, many, and the rules for another engine."""
