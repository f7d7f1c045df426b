"""What may be said of a foreign error: its type and the places it went through; its own words may quote a value."""

import traceback
from pathlib import Path


def kind(error: BaseException) -> str:
    """The error's type, with the number of an error of the operating system."""
    number = f" errno {error.errno}" if isinstance(error, OSError) and error.errno else ""
    return f"{type(error).__module__}.{type(error).__qualname__}{number}"


def is_panic(error: BaseException) -> bool:
    """True when a library written in Rust gave up: such an error is no `Exception`, and its words may quote a value."""
    return type(error).__name__ == "PanicException"


def places(error: BaseException) -> list[str]:
    """File, line and function of every frame, outermost first; source lines and values are left out."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames] or ["nowhere"]


def of(error: BaseException) -> str:
    """What tells this error from another one: where and as what it was raised."""
    return f"{kind(error)} at {places(error)[-1]}"
