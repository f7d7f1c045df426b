"""Named points at which a test may end the process, as a power cut would."""

import os
import signal

VARIABLE = "FAMILY_EXCHANGE_FAULT"


def faultpoint(name: str) -> None:
    """Nothing, unless the environment names this very point: then the process is killed and cleans nothing up."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
