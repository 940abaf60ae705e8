# SPDX-License-Identifier: Apache-2.0
"""What is owed to addressees: audience, chunks, batches, deliveries, reminders."""
