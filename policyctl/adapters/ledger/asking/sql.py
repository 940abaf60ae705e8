# SPDX-License-Identifier: Apache-2.0
"""The statements of questions that are asked online: each one look at the ledger, in one statement.

One statement sees one state of the database without a transaction around it, and on a server it is one
way there and back. The long one gives rows of several kinds, told apart by their first column:

    kind, subject_no, six whole numbers, text
"""

from __future__ import annotations

from collections.abc import Iterable

from policyctl.adapters.ledger.base.common import TENANT_BITS
from policyctl.core.notices.outbox import DeliveryName
from policyctl.core.notices.progress import NOT_GIVEN
from policyctl.core.use.cells import DELIVERED, FAILED

HEAD, NAMED, TAG, CORRECTION, ADMISSION, CHOICE, CUSTOMERS_CHOICE, REPORT, END = range(9)
KINDS = 9
MOST_ROWS = 64

_LAST = "(SELECT coalesce(max(seq), 0) FROM entry)"
_STEP = "(SELECT version_num FROM alembic_version)"
# What may change the cells or the statements: the greatest numbers, which do not shrink, and whether any tag
# was corrected or has ended.
PROBE = (
    f"SELECT {_LAST}, (SELECT coalesce(max(version_no), 0) FROM version), "  # noqa: S608 - our own words
    "(SELECT coalesce(max(category_no), 0) FROM category), "
    "(SELECT coalesce(max(epoch_no), 0) FROM epoch), "
    "CASE WHEN EXISTS (SELECT 1 FROM tag_correction) THEN 1 ELSE 0 END, "
    "CASE WHEN EXISTS (SELECT 1 FROM tag_end) THEN 1 ELSE 0 END, "
    f"(SELECT coalesce(max(notice_no), 0) FROM notice), {_STEP}"
)
# One column, so of one type where the database minds.
_HEX = {"sqlite": "ext_id", "postgresql": "encode(ext_id, 'hex')"}
_EVENTS = ", ".join(f"'{name}'" for name in (DeliveryName.DELIVERED, *NOT_GIVEN))
_EVENT = f"CASE e.event WHEN '{DeliveryName.DELIVERED}' THEN {DELIVERED} ELSE {FAILED} END"
_NAMED = "r.subject_no = t.subject_no AND r.ref = t.ref AND t.ref < 0"
_ENTERED = "a.version_no, a.admitted_at, 0, 0"
_SAID = "c.practice_no, c.answer, c.given_at, c.seq"
_ADMINISTRATOR = f"(CAST({{}}.tenant_no AS BIGINT) << {TENANT_BITS})"


# The places in a row of one_subject and few_of_each.
NAME, SUBJECT, CATEGORY, COLLECTED, BATCH, VERSION, ENDED_AT, TAGGED = 0, 1, 2, 4, 5, 6, 8, 9
ADMITTED, SAID, CUSTOMER_SAID, SEQUENCE, STEP, REPORTED = 9, 11, 15, 19, 20, 21
_TAG = "t.category, t.ref, t.collected_at, t.batch_no, t.version_no"
# Not a join: most records have numbers, and need no name looked for.
_RECORD = (
    "CASE WHEN t.ref < 0 THEN (SELECT r.name FROM record_name r "
    "WHERE r.subject_no = t.subject_no AND r.ref = t.ref) END"
)
_ENDED_AT = (
    "(SELECT x.ended_at FROM tag_end x WHERE x.subject_no = t.subject_no AND x.category = t.category "
    "AND x.ref = t.ref)"
)


def one_subject(categories: Iterable[int], *, told: bool, of_tenant: bool, ended: bool = False) -> str:
    """For SQLite: the facts of a subject that has few of each, by a third of the work. Most have one of
    each, and one row; others have a row for each combination, up to :data:`MOST_ROWS`, which then are
    not all. ``told``: with what was reported of its notices, last. ``ended``: some tags have ended; where
    none has, nobody looks. Needs a ledger of one epoch without corrections. Values: name, tenant_no if said.
    """
    customers = f"LEFT JOIN choice d ON d.subject_no = {_ADMINISTRATOR.format('s')} "
    said = f"d.practice_no, d.answer, d.given_at, d.seq, {_LAST}, {_STEP}"
    limit = f"= ?{_of(of_tenant)} LIMIT {MOST_ROWS}"
    return _few_of_each(categories, "NULL", said, customers, limit, told, ended)


def few_subjects(
    categories: Iterable[int], names: int, *, told: bool, of_tenant: bool, ended: bool = False
) -> str:
    """The same of several, without what their customers said, and with their names."""
    marks = ", ".join("?" * names)
    limit = f"IN ({marks}){_of(of_tenant)} LIMIT {names * MOST_ROWS}"
    return _few_of_each(categories, "s.ext_id", "NULL, NULL, NULL, NULL, NULL, NULL", "", limit, told, ended)


def _of(of_tenant: bool) -> str:  # noqa: FBT001 - said by one word
    return " AND s.tenant_no = ?" if of_tenant else ""


def _few_of_each(
    categories: Iterable[int],
    name: str,
    said: str,
    customers: str,
    where: str,
    told: bool,  # noqa: FBT001
    ended: bool,  # noqa: FBT001
) -> str:
    report, reports = "", ""
    if told:
        report = f", o.notice_no, o.contact, {_EVENT}, e.happened_at"
        reports = (
            "LEFT JOIN outbox o ON o.subject_no = s.subject_no "
            f"LEFT JOIN delivery_event e ON e.nid = o.nid AND e.event IN ({_EVENTS}) "
        )
    return (
        f"SELECT {name}, s.subject_no, {_TAG}, {_RECORD}, {_ENDED_AT if ended else 'NULL'}, "  # noqa: S608 - numbers of ours
        f"a.version_no, a.admitted_at, {_SAID}, {said}{report} FROM pseudonym s "
        f"LEFT JOIN tag_1 t ON t.subject_no = s.subject_no AND t.category IN ({_listed(categories)}) "
        "LEFT JOIN admission a ON a.subject_no = s.subject_no "
        "LEFT JOIN choice c ON c.subject_no = s.subject_no "
        f"{customers}{reports}WHERE s.ext_id {where}"
    )


# What the head is, and what customers said, for those who look at several in one transaction.
WHERE_IT_STANDS = f"SELECT {_LAST}, {_STEP}"


def customers_answers(numbers: Iterable[int]) -> str:
    """What administrators with these subject numbers said."""
    return f"SELECT c.subject_no, {_SAID} FROM choice c WHERE c.subject_no IN ({_listed(numbers)})"  # noqa: S608


def many_subjects(
    categories: Iterable[int],
    names: str,
    *,
    told: bool,
    epochs: Iterable[int],
    dialect: str,
    tenant: str | None,
    ended: bool = False,
) -> str:
    """The facts of any number of subjects. ``names``: how the list of their names is written, and
    ``tenant`` the value of the one whose they are.
    """
    whose = f" AND tenant_no = {tenant}" if tenant else ""
    subjects = (
        f"WITH s AS MATERIALIZED (SELECT subject_no, tenant_no, {_HEX[dialect]} AS name "  # noqa: S608 - our own words
        f"FROM pseudonym WHERE ext_id {names}{whose})"
    )
    among = _listed(categories)
    parts = [
        f"SELECT {HEAD}, 0, {_LAST}, 0, 0, 0, 0, 0, {_STEP}",
        f"SELECT {NAMED}, subject_no, tenant_no, 0, 0, 0, 0, 0, name FROM s",  # noqa: S608 - our own words
        *(_tags(TAG, f"tag_{number}", "0", among) for number in epochs),
        _tags(CORRECTION, "tag_correction", "t.correction", among),
        _part(
            ADMISSION, "s", "a.version_no, a.admitted_at, 0, 0", "admission a", "a.subject_no = s.subject_no"
        ),
        _part(CHOICE, "s", _SAID, "choice c", "c.subject_no = s.subject_no"),
        _part(
            CUSTOMERS_CHOICE,
            "c",
            _SAID,
            "choice c",
            f"c.subject_no = {_ADMINISTRATOR.format('d')}",
            of="(SELECT DISTINCT tenant_no FROM s) d",
        ),
    ]
    if ended:
        where = f"x.subject_no = s.subject_no AND x.category IN ({among})"
        parts.append(_part(END, "s", "x.category, x.ref, x.ended_at, 0", "tag_end x", where))
    if told:
        where = f"o.subject_no = s.subject_no AND e.nid = o.nid AND e.event IN ({_EVENTS})"
        what = f"o.notice_no, o.contact, {_EVENT}, e.happened_at"
        parts.append(_part(REPORT, "s", what, "outbox o CROSS JOIN delivery_event e", where))
    return f"{subjects} {' UNION ALL '.join(parts)}"


def _listed(categories: Iterable[int]) -> str:
    """For IN, which needs one: no category has the number -1."""
    return ", ".join(map(str, sorted(categories))) or "-1"


def _part(kind: int, whose: str, numbers: str, table: str, where: str, *, of: str = "s") -> str:
    return (
        f"SELECT {kind}, {whose}.subject_no, {numbers}, 0, 0, '' FROM {of} CROSS JOIN {table} "  # noqa: S608 - our own words
        f"WHERE {where}"
    )


def _tags(kind: int, table: str, last: str, among: str) -> str:
    return (
        f"SELECT {kind}, s.subject_no, t.category, t.ref, t.collected_at, t.batch_no, t.version_no, {last}, "  # noqa: S608
        f"r.name FROM s CROSS JOIN {table} t LEFT JOIN record_name r ON {_NAMED} "
        f"WHERE t.subject_no = s.subject_no AND t.category IN ({among})"
    )
