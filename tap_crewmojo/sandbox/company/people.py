"""The people of the made-up company."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from faker import Faker

# Scripts and directions that tend to break a pipeline, and plain ones among them.
LOCALES = ("en_AU", "ja_JP", "ar_AA", "de_DE", "ru_RU", "el_GR", "ar_SA", "fr_FR")
TEAMS = ("Engineering", "Sales, APAC", "People & Culture", 'Support "Night Owls"', "Büro Köln")
_EARLIEST_START, _LATEST_START = date(2012, 1, 1), date(2022, 12, 31)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist."""

    code: str
    name: str
    email: str
    team: str
    manager: str | None
    started: date


@dataclass(frozen=True, slots=True)
class Crew:
    """Everybody, and the dice that decide what they do."""

    seed: int
    people: tuple[Person, ...]

    @property
    def managed(self) -> tuple[Person, ...]:
        """Those who report to somebody: all but the head."""
        return self.people[1:]

    def dice(self, topic: str, day: date) -> random.Random:
        """Random numbers that depend on the day alone, so that all ranges agree on it."""
        return random.Random(f"{self.seed}:{topic}:{day}")

    def share(self, dice: random.Random, one_in: int) -> list[Person]:
        """Pick some of the managed people: none, up to one in so many."""
        most = -(-len(self.managed) // one_in)
        return dice.sample(self.managed, dice.randint(0, most))


@lru_cache(maxsize=16)
def hire(seed: int, count: int) -> Crew:
    """Make up a company: a head, under it one lead a team, under these the rest."""
    fakers = {locale: Faker(locale) for locale in LOCALES}
    for locale, faker in fakers.items():
        faker.seed_instance(f"{seed}:{locale}")
    people: list[Person] = []
    for number in range(count):
        faker = fakers[LOCALES[number % len(LOCALES)]]
        team = (number - 1) % len(TEAMS)
        boss = 0 if number <= len(TEAMS) else team + 1
        people.append(
            Person(
                code=f"{7 * (number + 1):05}",  # leading zeros: no number, whatever it looks like
                name=f"{faker.first_name()} {faker.last_name()}",
                email=f"{faker.user_name()}{number}@example.com",
                team=TEAMS[team],
                manager=people[boss].name if number else None,
                started=faker.date_between_dates(_EARLIEST_START, _LATEST_START),
            )
        )
    return Crew(seed, tuple(people))
