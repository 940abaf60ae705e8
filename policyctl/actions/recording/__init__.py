# SPDX-License-Identifier: Apache-2.0
"""What is put on record: tags, people, what they said, keys."""
