# SPDX-License-Identifier: Apache-2.0
"""The files people write and the messages we store: read with complaints that name the line, written back."""
