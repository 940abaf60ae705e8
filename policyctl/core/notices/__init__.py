# SPDX-License-Identifier: Apache-2.0
"""Who is told what about a revision, and how far each message has come."""
