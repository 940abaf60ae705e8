# SPDX-License-Identifier: Apache-2.0
"""The phrases of a mail in English: the language that is always complete."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH: Mapping[str, str] = {
    "months": "January February March April May June July August September October November December",
    "day": "{day} {month} {year}",
    # subjects, also used as the heading
    "subject.test": "[TEST] {subject}",
    "subject.editorial": "{title}: corrected wording, effective {effective}",
    "subject.notice": "{title}: changes effective {effective}",
    "subject.choice": "{title}: changes effective {effective}, with a choice to make",
    "subject.transition": "{title}: change of ownership or control on {on}",
    "subject.asked": "{title}: your choice about a new use of your data, effective {effective}",
    "subject.asked-until": "{title}: your choice about a new use of your data, answer by {until}",
    # why you, and what this is
    "test": "This is a test. Nobody else got it, and nothing is recorded.",
    "hello": "Hello {name},",
    "hello.nobody": "Hello,",
    "why.administrator": "You get this mail because you are the administrator of the account {account}.",
    "why.administrator.nobody": "You get this mail because you are the administrator of your organisation's "
    "account.",
    "why.subject": "You get this mail because we hold data about you that was collected under an earlier "
    "version of this policy.",
    "service": "This is a service announcement, not advertising. There is no tracking in this mail.",
    "late": "This notice reaches you on or after the day named as the beginning. We are sorry that it is "
    "late.",
    # the facts
    "facts": "In short",
    "fact.what": "What changes",
    "fact.editorial": "The wording is corrected. What is done with data does not change.",
    "fact.impact": "What follows for you",
    "fact.effective": "Effective",
    "fact.effective.value": "{effective}, from 00:00 UTC",
    "fact.old-controller": "Responsible until then",
    "fact.new-controller": "Responsible from then on",
    "fact.on": "Control passes on",
    "fact.todo": "What to do",
    "todo.revision": "Please confirm by a reply that this has reached you. If you object, write to "
    "{reply_to} "
    "before {effective}. If you do nothing, the revised policy applies from that day.",
    "todo.choice": "Please answer the choices below for your organisation, and confirm by a reply that this "
    "has "
    "reached you. If you object to the revised policy as a whole, write to {reply_to} before {effective}.",
    "todo.asked": "Please answer below. What happens if you do not is said with each choice.",
    "todo.transition": "You need not do anything. Data collected before that day stays under the policy it "
    "was "
    "collected under. If it is to be used in a way that differs from what was stated then, you are asked "
    "first. "
    "If you object, write to {reply_to}.",
    # the choices
    "choices.organisation": "Choices for your organisation",
    "choices.organisation.who": "Your users whose data is concerned are asked too. A refusal by you holds "
    "for all of "
    "them; if you agree, each of them still answers for themselves.",
    "choices.subject": "Your choice",
    "offer.data": "What data",
    "offer.collected": "Collected for",
    "offer.new": "New use",
    "offer.who": "Who gets it",
    "offer.who.nobody": "Nobody but {sender}",
    "offer.consequence": "What follows from it",
    "offer.until": "Until when",
    "offer.until.day": "Please answer by the end of {until} (UTC). You can change your answer at any time, "
    "later too.",
    "offer.until.open": "There is no time limit. You can change your answer at any time.",
    "offer.silent": "If you do not answer",
    "offer.silent.opt-in": "Your data is not used in this way. Only a yes from you changes that.",
    "offer.silent.opt-out": "Your data will be used in this way after {until}. You can still say no later; "
    "the new use then stops.",
    "offer.silent.opt-in.organisation": "Your users answer for themselves. Without a yes of their own their "
    "data is not used in this way.",
    "offer.silent.opt-out.organisation": "Your users answer for themselves. The data of those who do not "
    "say no will be used in this way after {until}. You can still say no for all of them later; the new use "
    "then stops.",
    "offer.answer": "How to answer",
    "offer.how": "Use one of the two, or write to {reply_to} and name {change}. Both are answered alike.",
    "answer.yes": "Yes, use it in this way",
    "answer.no": "No, do not use it in this way",
    "answer.mail.subject": "{answer}: {change}",
    "answer.mail.yes": "YES",
    "answer.mail.no": "NO",
    "answer.mail.body": "{label}\n\nChange: {change}\nReference: {nid}\n",
    "answer.write": "write to {reply_to} with the subject",
    # the redline
    "changes": "Every change, clause by clause",
    "changes.legend": "Removed words are struck through, added words are underlined.",
    "changes.legend.text": "Lines with - are the old words, lines with + the new ones.",
    "changes.none": "No clause changed its words.",
    "changes.more": "These clauses changed too. They are left out here because this mail would be too long:",
    "changes.more.rest": "and {number} more",
    "changes.page": "Every version and every change is posted at {url}",
    "change.was": "Heading before: {was}",
    "block.added": "Added:",
    "block.removed": "Removed:",
    "block.changed": "Changed:",
    "opening": "Opening text",
    "kind.added": "added",
    "kind.removed": "removed",
    "kind.reworded": "changed",
    "kind.moved": "moved",
    "kind.renamed": "heading changed",
    "kind.renumbered": "number changed",
    "kind.relevelled": "level of heading changed",
    "kind.split": "split",
    "kind.merged": "merged",
    "kind.restructured": "rearranged",
    "kind.unchanged": "unchanged",
    "kind.format-only": "layout only",
    # the full copy
    "copy": "The revised policy in full",
    "copy.in-text": "The revised policy in full is in the plain-text part of this mail.",
    "copy.page": "The revised policy in full: {url}",
    "copy.ask": "The revised policy in full is too long for this mail. Write to {reply_to} and you will get "
    "it.",
    "copy.hash": "Version {version}, SHA-256 {sha256}",
    # the foot
    "foot.sender": "Sent by {sender}",
    "foot.answers": "A person answers at {reply_to}, complaints too. You may also complain to the authority "
    "that protects data or consumers where you live.",
    "foot.reference": "Reference: {nid}",
}
