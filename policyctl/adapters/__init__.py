# SPDX-License-Identifier: Apache-2.0
"""Input and output: one outside system per file; foreign errors end here."""
