# SPDX-License-Identifier: Apache-2.0
"""Pure: values to text or bytes."""
