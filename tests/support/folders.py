"""A council's folder for those who only need its database: what set-up makes, and nothing else."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from family_exchange.adapters.doors import make_secrets


@cache
def set_up():
    """The folder, the same one for every council of this process, and gone with it."""
    folder = Path(tempfile.mkdtemp(prefix="fx-s-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_secrets(folder)
    return folder
