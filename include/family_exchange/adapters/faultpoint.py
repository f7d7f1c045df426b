"""Named points at which a test may end the process, as a power cut would."""

import os
import signal

VARIABLE = "FAMILY_EXCHANGE_FAULT"
_ARMED = os.environ.get(VARIABLE)
"""Read once: where no test asks for a death, a point costs one comparison."""


def faultpoint(name: str) -> None:
    """Nothing, unless the environment named this very point: then the process is killed and cleans nothing up."""
    if name == _ARMED:
        os.kill(os.getpid(), signal.SIGKILL)
