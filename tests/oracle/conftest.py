"""Puts these modules where they can import each other, whoever is collected first."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
