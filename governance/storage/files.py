"""Single files that people or later commands read: written whole or not at all."""

import uuid
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Replace a text file atomically; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
