# SPDX-License-Identifier: Apache-2.0
"""The pages that the links of a mail open, and receipts for what was said there."""
