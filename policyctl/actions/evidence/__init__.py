# SPDX-License-Identifier: Apache-2.0
"""What was promised, told and asked, to be handed over; and whether it holds."""
