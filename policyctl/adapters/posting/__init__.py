# SPDX-License-Identifier: Apache-2.0
"""Places outside of this machine: one HTTP exchange (wire), signed webhooks, pages to compare."""
