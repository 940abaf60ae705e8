# SPDX-License-Identifier: Apache-2.0
"""That a tag is part of its batch, and what was cut from the chain."""
