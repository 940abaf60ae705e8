# SPDX-License-Identifier: Apache-2.0
"""Two texts into one revision: which clause goes on as which, and word by word what changed."""
