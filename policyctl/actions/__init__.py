# SPDX-License-Identifier: Apache-2.0
"""The verbs: read through adapters, think in core, write through adapters."""
