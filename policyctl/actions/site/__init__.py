# SPDX-License-Identifier: Apache-2.0
"""The posted site: built whole, compared on request."""
