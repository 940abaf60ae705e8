# SPDX-License-Identifier: Apache-2.0
"""Notices as mails, and what is kept of them."""
