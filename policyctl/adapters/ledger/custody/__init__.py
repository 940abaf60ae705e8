# SPDX-License-Identifier: Apache-2.0
"""A ledger in the hands of its keeper: people erased out of it, copies made of it, where it may send from."""
