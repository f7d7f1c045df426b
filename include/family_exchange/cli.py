"""`family-exchange …`: 0 = done, 1 = findings or refusal, 2 = could not run; every message says what to do next."""

import logging
import sys

import typer
from rich.console import Console

from family_exchange.commands import auditing, demo, exchange, profile, register, retention, returns
from family_exchange.domain.errors import DataRefused, ExchangeError

app = typer.Typer(
    help="Partner files in, a family register, signed-off returns out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
demo.add_to(app)
profile.add_to(app)
exchange.add_to(app)
register.add_to(app)
returns.add_to(app)
retention.add_to(app)
auditing.add_to(app)

FINDINGS, COULD_NOT_RUN = 1, 2


def main() -> None:
    """Run the command line; our own errors are one clear line, a bug keeps its traceback."""
    shown = logging.StreamHandler()
    shown.setLevel(logging.WARNING)  # on the handler: some libraries lower their own loggers' level
    logging.basicConfig(handlers=[shown], format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except DataRefused as refusal:
        _tell(refusal)
        sys.exit(FINDINGS)
    except ExchangeError as error:
        _tell(error)
        sys.exit(COULD_NOT_RUN)


def _tell(error: ExchangeError) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]stopped:[/] {error}")
