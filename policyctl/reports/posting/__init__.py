# SPDX-License-Identifier: Apache-2.0
"""What other places are told of a version."""
