# SPDX-License-Identifier: Apache-2.0
"""Pure: values in, values out. No file, git, database, network, clock, randomness or printing."""
