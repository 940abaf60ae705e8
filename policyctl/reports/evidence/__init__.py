# SPDX-License-Identifier: Apache-2.0
"""Evidence for people and for other programs: the page of a bundle, consent records."""
