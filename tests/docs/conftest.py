"""Puts `doc_pages` where the tests of this folder can import it."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
