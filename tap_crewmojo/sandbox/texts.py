"""What people write: harmless to read, awkward to carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

NOTES = (
    "Good progress, no blockers.",
    'Asked for "more focus", fewer meetings, and a quieter desk.',
    "Agreed:\n- write the guide, then share it\n- book leave",
    "Line one\r\nline two, as some browsers send it",
    "次の四半期の目標について話しました。",
    "ناقشنا الأهداف، والخطوات التالية",
    "Обсудили планы; всё идёт хорошо",
    "Μιλήσαμε για τους στόχους του τριμήνου",  # noqa: RUF001  # Greek it is
    "Über Größe & Maß gesprochen; naïve Idee, läuft 🚀",
    "'Single' quotes; a tab\there, a backslash \\n that is none",
    "=1+1 is no formula here",
)

SENTENCES = (
    "Brings calm to every incident, and writes down what was learnt.",
    'Colleagues say: "always first to help".',
    "Could share drafts earlier, even unfinished ones.",
    "いつも丁寧で、説明がわかりやすい。",
    "Умеет слушать и находить простые решения.",
    "يعمل بجد ويساعد الجميع.",
    "Δίνει σαφείς και χρήσιμες απαντήσεις.",
    "Hält Zusagen ein; übernimmt gern Verantwortung.",
)


def note(dice: random.Random) -> str | None:
    """A short note, or none at all."""
    return dice.choice((*NOTES, None))


def essay(dice: random.Random) -> str:
    """Paragraphs of a long answer, up to some thousand characters."""
    return "\n\n".join(
        " ".join(dice.choices(SENTENCES, k=dice.randint(2, 8))) for _ in range(dice.randint(1, 8))
    )
