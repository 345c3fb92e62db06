"""The words of a ledger's control: what an operator wants for now, and what the scheduler remembers."""

from typing import Final

PAUSED: Final = "paused"  # nothing more is handed out
DRAINING: Final = "draining"  # the same, and the node ends when nothing runs any more
RECEIVED: Final = "received"  # what was downloaded today
