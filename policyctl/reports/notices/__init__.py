# SPDX-License-Identifier: Apache-2.0
"""Who is to be told, how far it has come, and what is owed."""
