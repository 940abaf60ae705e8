# SPDX-License-Identifier: Apache-2.0
"""Doubles of outside services, at the edge of the machine, for the tests of whoever uses policyctl."""
