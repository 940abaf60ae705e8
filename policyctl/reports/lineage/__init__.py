# SPDX-License-Identifier: Apache-2.0
"""The history of clauses: on a terminal, as a chart, as a picture, for programs."""
