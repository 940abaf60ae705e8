# SPDX-License-Identifier: Apache-2.0
"""May this be used? One, many, and what other engines need for it."""
