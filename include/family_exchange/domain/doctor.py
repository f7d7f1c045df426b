"""What a look at an installation finds: one finding for each thing that was looked at, and how the look ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Grade(StrEnum):
    """How it stands with one thing."""

    GOOD = "good"
    NOTE = "note"
    """This machine cannot show it; a person knows, or it matters only to some."""
    WARNING = "warning"
    BAD = "bad"
    UNSEEN = "could not look"


class Room(StrEnum):
    """What a finding is about, in the order in which they are shown."""

    SETTINGS = "settings"
    DATABASE = "database"
    SFTP = "SFTP servers"
    KEYS = "keys"
    CLOCKS = "clocks"
    DISKS = "disks and memory"
    FILES = "files"
    BACKUPS = "backups"
    AIRFLOW = "Airflow"
    VERSIONS = "versions"


class Ending(IntEnum):
    """With what number the command ends."""

    GOOD = 0
    FINDINGS = 1
    COULD_NOT_LOOK = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; never a secret, and never a value that somebody typed into a file."""

    room: Room
    subject: str
    """What was looked at."""
    grade: Grade
    found: str
    advice: str = ""
    """What to do next; empty where nothing is to be done."""
    council: str | None = None
    """None: it is of the machine, not of one council."""


def good(room: Room, subject: str, found: str) -> Finding:
    """Nothing is to be done."""
    return Finding(room, subject, Grade.GOOD, found)


def note(room: Room, subject: str, found: str, advice: str) -> Finding:
    """Only a person can tell."""
    return Finding(room, subject, Grade.NOTE, found, advice)


def warning(room: Room, subject: str, found: str, advice: str) -> Finding:
    """It will do harm if nobody looks after it."""
    return Finding(room, subject, Grade.WARNING, found, advice)


def bad(room: Room, subject: str, found: str, advice: str) -> Finding:
    """It does harm, or stops the work."""
    return Finding(room, subject, Grade.BAD, found, advice)


def unseen(room: Room, subject: str, why: str, advice: str) -> Finding:
    """Nobody knows how it stands."""
    return Finding(room, subject, Grade.UNSEEN, why, advice)


def judged(room: Room, subject: str, found: str, *, well: bool, advice: str, otherwise: Grade = Grade.BAD) -> Finding:
    """Good when it is `well`; else of the grade `otherwise`, with the advice."""
    return Finding(room, subject, Grade.GOOD, found) if well else Finding(room, subject, otherwise, found, advice)


def ending(findings: Iterable[Finding]) -> Ending:
    """How the look ends: what is known to be wrong counts before what could not be looked at."""
    grades = {finding.grade for finding in findings}
    if grades & {Grade.WARNING, Grade.BAD}:
        return Ending.FINDINGS
    return Ending.COULD_NOT_LOOK if Grade.UNSEEN in grades else Ending.GOOD
