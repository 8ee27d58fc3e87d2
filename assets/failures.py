"""The one place where our errors become Dagster's: facts that a rerun cannot change are not retried."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from governance.errors import GovernanceError, InputError, PartialFailure


@contextmanager
def as_failures() -> Iterator[None]:
    """Turn our errors into `dg.Failure` with the sentence that names entity, cause and remedy."""
    try:
        yield
    except PartialFailure as error:
        metadata = {day: dg.MetadataValue.text(why) for day, why in error.failures.items()}
        raise dg.Failure(description=str(error), metadata=metadata, allow_retries=False) from error
    except GovernanceError as error:
        raise dg.Failure(description=str(error), allow_retries=not isinstance(error, InputError)) from error
