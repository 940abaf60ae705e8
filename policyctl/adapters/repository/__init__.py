# SPDX-License-Identifier: Apache-2.0
"""Git: names, refs, history, signatures, careful writing."""
