# SPDX-License-Identifier: Apache-2.0
"""What is owed to addressees, sent, watched, recalled; and what became of it."""
