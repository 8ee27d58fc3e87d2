"""Puts the plain-Python oracle and its worlds where the tests of this folder can import them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "oracle"))
