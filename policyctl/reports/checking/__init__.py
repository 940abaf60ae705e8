# SPDX-License-Identifier: Apache-2.0
"""What checking found, for a person, for programs and for a pull request; the rules and their pages."""
