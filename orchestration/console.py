"""What a run says on the terminal: our own sentences, without Dagster's event stream."""

import logging

import dagster as dg


@dg.logger(None, description="Our sentences on the terminal; the whole event stream is in the UI.")
def terminal(_: dg.InitLoggerContext) -> logging.Logger:
    """A logger that prints messages of level INFO and above as they are."""
    logger = logging.Logger("governance", level=logging.INFO)
    handler = logging.StreamHandler()
    handler.setFormatter(_Plain())
    logger.addHandler(handler)
    return logger


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta = getattr(record, "dagster_meta", None) or {}
        message = meta.get("orig_message") or record.getMessage()
        return f"  {message}" if record.levelno < logging.ERROR else f"  ERROR {message}"
