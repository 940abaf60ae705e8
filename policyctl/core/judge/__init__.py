# SPDX-License-Identifier: Apache-2.0
"""What a revision means for the reader: signals from the words, rules, findings, class and verdict."""
