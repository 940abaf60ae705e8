# SPDX-License-Identifier: Apache-2.0
"""Policy texts: Markdown into clauses, blocks, sentences and words."""
