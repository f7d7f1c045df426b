"""`family-exchange …`: 0 = done, 1 = findings or refusal, 2 = could not run; every message says what to do next."""

import logging
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from family_exchange.adapters import fingerprint
from family_exchange.domain.errors import DataRefused, ExchangeError

FINDINGS, COULD_NOT_RUN = 1, 2

GIVEN = "what was given"
TELLING = 4
"""Letters from which on a word is taken out of a message even where it stands without quotation marks."""

COMMANDS = {
    "demo": ("demo", "synth"),
    "profile": ("profile",),
    "model": ("model",),
    "check": ("check",),
    "exchange": ("files", "receive", "set-up"),
    "preparing": ("database",),
    "keys": ("keys",),
    "register": ("register",),
    "matching": ("match",),
    "proposals": ("proposal", "propose", "nominate", "nomination"),
    "family": ("family",),
    "person": ("person",),
    "subject": ("subject",),
    "returns": ("return",),
    "retention": ("retention",),
    "backup": ("backup",),
    "auditing": ("audit", "trace"),
    "watch": ("watch",),
    "doctor": ("doctor",),
    "metrics": ("metrics",),
}
"""`module of family_exchange.commands → its commands`: only the module that is asked for is loaded."""


def application(word: str | None = None) -> typer.Typer:
    """The command line with the commands of one module, that of the command `word`; with all when it names none.

    Raises:
        ModuleNotFoundError: the command needs a library that is not installed; without `word` such commands are
            left out.
    """
    app = typer.Typer(
        help="Partner files in, a family register, signed-off returns out.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_every_command)
    only = next((module for module, commands in COMMANDS.items() if word in commands), None)
    for module in [only] if only else COMMANDS:
        try:
            import_module(f"family_exchange.commands.{module}").add_to(app)
        except ModuleNotFoundError as missing:
            if only or _ours(missing):
                raise
    return app


def main() -> None:
    """Run the command line; our own errors are one clear line, a bug is told by its type and its way through the code.

    A bug's own words, and the lines of a traceback, may quote a value that somebody typed into a file.
    """
    shown = logging.StreamHandler()
    shown.setLevel(logging.WARNING)  # on the handler: some libraries lower their own loggers' level
    logging.basicConfig(handlers=[shown], format="%(levelname)s %(name)s: %(message)s")
    try:
        sys.exit(application(next(iter(sys.argv[1:]), None))(standalone_mode=False))
    except typer.TyperException as wrong:
        _tell_use(wrong)
        sys.exit(COULD_NOT_RUN)
    except DataRefused as refusal:
        _tell(refusal)
        sys.exit(FINDINGS)
    except ExchangeError as error:
        _tell(error)
        sys.exit(COULD_NOT_RUN)
    except ModuleNotFoundError as missing:
        if _ours(missing):
            raise
        _tell(f"{missing.name} is not installed; this command needs `pip install 'family-exchange[platform]'`")
        sys.exit(COULD_NOT_RUN)
    except BaseException as error:
        if not isinstance(error, Exception) and not fingerprint.is_panic(error):
            raise
        _tell(f"unforeseen {fingerprint.of(error)}; tell those who run the exchange, with these lines:")
        sys.stderr.write("\n".join((*fingerprint.places(error), "")))
        sys.exit(COULD_NOT_RUN)


def _every_command() -> None:
    """Nothing of its own: a command line with one command only would lose that command's name."""


def _ours(missing: ModuleNotFoundError) -> bool:
    return (missing.name or "").split(".")[0] == __package__


def _tell_use(wrong: typer.TyperException) -> None:
    """What is wrong with the words of a command, in its own words alone: any other that was typed may be a name.

    A command that was given nothing has shown its help already.
    """
    if type(wrong).__name__ == "NoArgsIsHelpError":
        return
    context: Any = getattr(wrong, "ctx", None)
    format_message: Callable[[], str] = getattr(wrong, "format_message", wrong.__str__)
    message, own = format_message().replace("Value error, ", ""), {"--help"}
    if context is not None:
        own |= {*context.command_path.split(), *(name for one in context.command.params for name in one.opts)}
    if type(wrong).__name__ == "BadOptionUsage":  # an option that there is, without its value
        own.add(getattr(wrong, "option_name", ""))
    if "extra argument" in message:
        message = f"{message.partition(' (')[0]}: there is one word too many, or more"
    typed = {part for word in sys.argv[1:] for part in (word, *word.split("=", 1))} - own
    for word in sorted(typed, key=len, reverse=True):
        message = message.replace(f"'{word}'", GIVEN)
        if len(word) >= TELLING:
            message = message.replace(word, GIVEN)
    _tell(f"{message}\n`{context.command_path if context else 'family-exchange'} --help` says what it takes")


def _tell(error: object) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]stopped:[/] {escape(str(error))}")
