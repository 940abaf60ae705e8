# SPDX-License-Identifier: Apache-2.0
"""Ways to hand a mail to the outside: a folder, SMTP, SendGrid."""
