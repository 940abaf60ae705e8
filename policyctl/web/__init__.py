# SPDX-License-Identifier: Apache-2.0
"""The HTTP service: the same actions as the command line, for programs of any language."""
