# SPDX-License-Identifier: Apache-2.0
"""The phrases of a mail in German."""

from __future__ import annotations

from collections.abc import Mapping

GERMAN: Mapping[str, str] = {
    "months": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "day": "{day}. {month} {year}",
    "subject.test": "[TEST] {subject}",
    "subject.editorial": "{title}: berichtigter Wortlaut, gültig ab {effective}",
    "subject.notice": "{title}: Änderungen, gültig ab {effective}",
    "subject.choice": "{title}: Änderungen, gültig ab {effective}, mit einer Wahl für Sie",
    "subject.transition": "{title}: Wechsel von Inhaber oder Kontrolle am {on}",
    "subject.asked": "{title}: Ihre Wahl zu einer neuen Nutzung Ihrer Daten, gültig ab {effective}",
    "subject.asked-until": "{title}: Ihre Wahl zu einer neuen Nutzung Ihrer Daten, Antwort bis {until}",
    "test": "Dies ist ein Test. Niemand sonst hat ihn bekommen, und nichts wird vermerkt.",
    "hello": "Guten Tag {name},",
    "hello.nobody": "Guten Tag,",
    "why.administrator": "Sie erhalten diese Mail, weil Sie das Konto {account} verwalten.",
    "why.administrator.nobody": "Sie erhalten diese Mail, weil Sie das Konto Ihrer Organisation verwalten.",
    "why.subject": "Sie erhalten diese Mail, weil wir Daten über Sie haben, die unter einer früheren Fassung "
    "dieser Erklärung erhoben wurden.",
    "service": "Dies ist eine Mitteilung zum Dienst, keine Werbung. Diese Mail verfolgt Sie nicht (kein "
    "Tracking).",
    "late": "Diese Mitteilung erreicht Sie erst an oder nach dem genannten Tag. Wir bedauern die Verspätung.",
    "facts": "In Kürze",
    "fact.what": "Was sich ändert",
    "fact.editorial": "Der Wortlaut wird berichtigt. Was mit Daten geschieht, ändert sich nicht.",
    "fact.impact": "Was für Sie daraus folgt",
    "fact.effective": "Gültig ab",
    "fact.effective.value": "{effective}, 0:00 Uhr UTC",
    "fact.old-controller": "Bis dahin verantwortlich",
    "fact.new-controller": "Von da an verantwortlich",
    "fact.on": "Die Kontrolle geht über am",
    "fact.todo": "Was zu tun ist",
    "todo.revision": "Bitte bestätigen Sie mit einer Antwort, dass Sie dies erhalten haben. Wenn Sie "
    "widersprechen, "
    "schreiben Sie vor dem {effective} an {reply_to}. Tun Sie nichts, so gilt von diesem Tag an die neue "
    "Fassung.",
    "todo.choice": "Bitte beantworten Sie die Fragen unten für Ihre Organisation, und bestätigen Sie mit "
    "einer "
    "Antwort, dass Sie dies erhalten haben. Wenn Sie der neuen Fassung als Ganzer widersprechen, schreiben "
    "Sie vor "
    "dem {effective} an {reply_to}.",
    "todo.asked": "Bitte antworten Sie unten. Was ohne Antwort geschieht, steht bei jeder Frage.",
    "todo.transition": "Sie müssen nichts tun. Daten, die vor diesem Tag erhoben wurden, bleiben unter der "
    "Erklärung, unter der sie erhoben wurden. Sollen sie anders genutzt werden, als damals angegeben, so "
    "werden Sie "
    "vorher gefragt. Wenn Sie widersprechen, schreiben Sie an {reply_to}.",
    "choices.organisation": "Was Ihre Organisation wählen kann",
    "choices.organisation.who": "Auch Ihre Nutzerinnen und Nutzer, um deren Daten es geht, werden gefragt. "
    "Ihr Nein "
    "gilt für alle; wenn Sie zustimmen, antwortet jede und jeder noch für sich.",
    "choices.subject": "Ihre Wahl",
    "offer.data": "Welche Daten",
    "offer.collected": "Erhoben für",
    "offer.new": "Neue Nutzung",
    "offer.who": "Wer sie erhält",
    "offer.who.nobody": "Niemand außer {sender}",
    "offer.consequence": "Was daraus folgt",
    "offer.until": "Bis wann",
    "offer.until.day": "Bitte antworten Sie bis zum Ablauf des {until} (UTC). Sie können Ihre Antwort "
    "jederzeit "
    "ändern, auch später.",
    "offer.until.open": "Es gibt keine Frist. Sie können Ihre Antwort jederzeit ändern.",
    "offer.silent": "Wenn Sie nicht antworten",
    "offer.silent.opt-in": "Ihre Daten werden nicht so genutzt. Nur Ihr Ja ändert das.",
    "offer.silent.opt-out": "Ihre Daten werden nach dem {until} so genutzt. Sie können auch später noch "
    "Nein sagen; "
    "dann endet die neue Nutzung.",
    "offer.silent.opt-in.organisation": "Ihre Nutzerinnen und Nutzer antworten für sich. Ohne deren eigenes "
    "Ja werden ihre Daten nicht so genutzt.",
    "offer.silent.opt-out.organisation": "Ihre Nutzerinnen und Nutzer antworten für sich. Die Daten derer, "
    "die nicht Nein sagen, werden nach dem {until} so genutzt. Sie können auch später noch für alle Nein "
    "sagen; dann endet die neue Nutzung.",
    "offer.answer": "Wie Sie antworten",
    "offer.how": "Nehmen Sie eines von beiden, oder schreiben Sie an {reply_to} und nennen Sie {change}. "
    "Beides wird "
    "gleich behandelt.",
    "answer.yes": "Ja, so nutzen",
    "answer.no": "Nein, nicht so nutzen",
    "answer.mail.subject": "{answer}: {change}",
    "answer.mail.yes": "JA",
    "answer.mail.no": "NEIN",
    "answer.mail.body": "{label}\n\nÄnderung: {change}\nZeichen: {nid}\n",
    "answer.write": "schreiben Sie an {reply_to} mit dem Betreff",
    "changes": "Alle Änderungen, Abschnitt für Abschnitt",
    "changes.legend": "Gestrichene Wörter sind durchgestrichen, neue unterstrichen.",
    "changes.legend.text": "Zeilen mit - sind der alte Wortlaut, Zeilen mit + der neue.",
    "changes.none": "Kein Abschnitt hat seinen Wortlaut geändert.",
    "changes.more": "Auch diese Abschnitte haben sich geändert. Sie fehlen hier, weil die Mail sonst zu "
    "lang wäre:",
    "changes.more.rest": "und {number} weitere",
    "changes.page": "Jede Fassung und jede Änderung steht unter {url}",
    "change.was": "Frühere Überschrift: {was}",
    "block.added": "Neu:",
    "block.removed": "Gestrichen:",
    "block.changed": "Geändert:",
    "opening": "Einleitung",
    "kind.added": "neu",
    "kind.removed": "gestrichen",
    "kind.reworded": "geändert",
    "kind.moved": "verschoben",
    "kind.renamed": "Überschrift geändert",
    "kind.renumbered": "Nummer geändert",
    "kind.relevelled": "Ebene der Überschrift geändert",
    "kind.split": "geteilt",
    "kind.merged": "zusammengelegt",
    "kind.restructured": "umgestellt",
    "kind.unchanged": "unverändert",
    "kind.format-only": "nur Gestaltung",
    "copy": "Die neue Fassung im Wortlaut",
    "copy.in-text": "Die neue Fassung im Wortlaut steht im Textteil dieser Mail.",
    "copy.page": "Die neue Fassung im Wortlaut: {url}",
    "copy.ask": "Die neue Fassung ist für diese Mail zu lang. Schreiben Sie an {reply_to}, und Sie erhalten "
    "sie.",
    "copy.hash": "Fassung {version}, SHA-256 {sha256}",
    "foot.sender": "Gesendet von {sender}",
    "foot.answers": "Unter {reply_to} antwortet ein Mensch, auch auf Beschwerden. Sie können sich auch bei "
    "der "
    "Behörde beschweren, die an Ihrem Wohnort Daten oder Verbraucher schützt.",
    "foot.reference": "Zeichen: {nid}",
}
