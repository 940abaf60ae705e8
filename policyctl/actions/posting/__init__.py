# SPDX-License-Identifier: Apache-2.0
"""Posting in other places: recording what sync put there, sending webhooks, comparing what is there."""
