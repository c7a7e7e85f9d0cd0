"""The people of the made-up company, and the texts that they write."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from faker import Faker

# Scripts and text directions that often break a pipeline, next to plain ones.
LOCALES = ("en_AU", "ja_JP", "ar_AA", "de_DE", "ru_RU", "el_GR", "ar_SA", "fr_FR")
TEAMS = ("Engineering", "Sales, APAC", "People & Culture", 'Support "Night Owls"', "Büro Köln")
_EARLIEST_START, _LATEST_START = date(2012, 1, 1), date(2022, 12, 31)

# Texts that are harmless to read and difficult to transport.
NOTES = (
    "Good progress, no blockers.",
    'Asked for "more focus", fewer meetings, and a quieter desk.',
    "Agreed:\n- write the guide, then share it\n- book leave",
    "Line one\r\nline two, as some browsers send it",
    "次の四半期の目標について話しました。",
    "ناقشنا الأهداف، والخطوات التالية",
    "Обсудили планы; всё идёт хорошо",
    "Μιλήσαμε για τους στόχους του τριμήνου",  # noqa: RUF001  # a Greek letter, not an "o"
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


@dataclass(frozen=True, slots=True)
class Person:
    """An employee who does not exist."""

    code: str
    name: str
    email: str
    team: str
    manager: str | None
    started: date


@dataclass(frozen=True, slots=True)
class Crew:
    """All people of the company, and the random numbers that decide what they do."""

    seed: int
    people: tuple[Person, ...]

    @property
    def managed(self) -> tuple[Person, ...]:
        """The people who have a manager: all except the head of the company."""
        return self.people[1:]

    def rng(self, topic: str, day: date) -> random.Random:
        """Return random numbers that depend on the day only: all ranges agree about a day."""
        return random.Random(f"{self.seed}:{topic}:{day}")

    def sample(self, rng: random.Random, one_in: int) -> list[Person]:
        """Pick managed people at random: between none and one in `one_in`."""
        most = -(-len(self.managed) // one_in)
        return rng.sample(self.managed, rng.randint(0, most))


@lru_cache(maxsize=16)
def hire(seed: int, count: int) -> Crew:
    """Make up the people: a head, one lead for each team, and the teams."""
    fakers = {locale: Faker(locale) for locale in LOCALES}
    for locale, faker in fakers.items():
        faker.seed_instance(f"{seed}:{locale}")
    people: list[Person] = []
    for number in range(count):
        faker = fakers[LOCALES[number % len(LOCALES)]]
        team = (number - 1) % len(TEAMS)
        manager = 0 if number <= len(TEAMS) else team + 1
        people.append(
            Person(
                code=f"{7 * (number + 1):05}",  # leading zeros: it must not become a number
                name=f"{faker.first_name()} {faker.last_name()}",
                email=f"{faker.user_name()}{number}@example.com",
                team=TEAMS[team],
                manager=people[manager].name if number else None,
                started=faker.date_between_dates(_EARLIEST_START, _LATEST_START),
            )
        )
    return Crew(seed, tuple(people))


def note(rng: random.Random) -> str | None:
    """Return a short note, or none."""
    return rng.choice((*NOTES, None))


def essay(rng: random.Random) -> str:
    """Return a long text: paragraphs with up to a few thousand characters."""
    return "\n\n".join(
        " ".join(rng.choices(SENTENCES, k=rng.randint(2, 8))) for _ in range(rng.randint(1, 8))
    )
