# SPDX-License-Identifier: Apache-2.0
"""For the tests of programs that use policyctl: nothing here runs in the service of anybody."""
