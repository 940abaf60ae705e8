# SPDX-License-Identifier: Apache-2.0
"""Questions: one at once, many in a stream."""
