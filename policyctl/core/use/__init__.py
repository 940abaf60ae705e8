# SPDX-License-Identifier: Apache-2.0
"""May this piece of data be used for that? Versions in force, stances, and the decision."""
