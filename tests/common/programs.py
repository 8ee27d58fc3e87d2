"""The programs that tests start as a user does."""

import sys
from pathlib import Path

GOVERN = Path(sys.executable).with_name("govern")
