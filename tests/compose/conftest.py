"""What runs inside the containers' world is collected by `make compose-test` alone: it needs a stack that is up."""

import os

collect_ignore = [] if os.environ.get("FAMILY_EXCHANGE_STACK") else ["inside"]
