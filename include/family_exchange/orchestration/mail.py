"""E-mail from Airflow: through the SMTP connection `family_exchange_smtp`, or into the council's folder without one.

The connection is of type smtp: host, port, login, password; extra: from_email, and what Airflow's provider offers
beside it (`disable_ssl`, `disable_tls`, `timeout`, `auth_type`).
"""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from html import escape
from typing import TYPE_CHECKING

from family_exchange.domain.errors import MissingSetting, NeedsDecision, TryLater
from family_exchange.orchestration.connections import in_airflow

if TYPE_CHECKING:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    from family_exchange.adapters.doors import Doors
    from family_exchange.adapters.letters import Carry

CONNECTION = "family_exchange_smtp"


def send(doors: "Doors") -> dict[str, int]:
    """What lies in the council's outbox is sent; how many letters and messages that were.

    Raises:
        TryLater: the mail server does not answer.
        NeedsDecision: it does not let us in, or takes no letter for an address of the profile's mailboxes.
    """
    from family_exchange.stages import tell  # noqa: PLC0415 - Dags are parsed without it

    with _carrier(doors) as carry:
        return tell.people(doors, carry)


@contextmanager
def _carrier(doors: "Doors") -> Iterator["Carry"]:
    from airflow.providers.smtp.hooks.smtp import SmtpHook  # noqa: PLC0415 - costs what no parsing of Dags may pay

    from family_exchange.adapters import letters  # noqa: PLC0415 - Dags are parsed without it

    if in_airflow(CONNECTION) is None:
        yield letters.into_folder(doors.outbox)
        return
    with _faults():
        hook = SmtpHook(CONNECTION).get_conn()
    try:
        if not hook.from_email:
            raise MissingSetting(doors.profile.council, f"{CONNECTION}.extra.from_email", "the sender's address")
        yield lambda _, mail: _send(hook, mail)
    finally:
        hook.__exit__(None, None, None)  # type: ignore[no-untyped-call]  # Airflow's hook is not typed


def _send(hook: "SmtpHook", mail: EmailMessage) -> None:
    with _faults():
        hook.send_email_smtp(
            to=str(mail["To"]),
            subject=str(mail["Subject"]),
            html_content=f'<pre style="white-space: pre-wrap">{escape(mail.get_content())}</pre>',
            custom_headers={name: str(mail[name]) for name in ("Message-ID", "Auto-Submitted")},
        )


@contextmanager
def _faults() -> Iterator[None]:
    """The block's errors as ours; a server's own words may quote what we sent it."""
    from airflow.sdk.exceptions import AirflowException  # noqa: PLC0415 - beside the hook that raises it

    try:
        yield
    except smtplib.SMTPAuthenticationError:
        raise NeedsDecision(f"the mail server does not let us in; look at the connection {CONNECTION}") from None
    except smtplib.SMTPRecipientsRefused:
        raise NeedsDecision("the mail server takes no letter for a mailbox of the profile; see `mailboxes`") from None
    except smtplib.SMTPSenderRefused:
        raise NeedsDecision(
            f"the mail server does not accept the sender; look at {CONNECTION}.extra.from_email"
        ) from None
    except (smtplib.SMTPException, AirflowException, OSError) as error:
        raise TryLater(f"the mail server does not answer as it should ({type(error).__name__})") from None
