# SPDX-License-Identifier: Apache-2.0
"""Tags on their way in, and batches of them."""
