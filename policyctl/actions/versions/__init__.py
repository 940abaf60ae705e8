# SPDX-License-Identifier: Apache-2.0
"""From a text to a published version: read, compare, check, review, publish, look back."""
