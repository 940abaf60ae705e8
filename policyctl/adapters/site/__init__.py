# SPDX-License-Identifier: Apache-2.0
"""The folder that a web server posts."""
