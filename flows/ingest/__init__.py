"""Names the log formats that can be read, in the order in which they are tried."""

from flows.ingest import generic, sharegpt, wildchat
from flows.ingest.records import LogFormat

FORMATS: tuple[LogFormat, ...] = (generic, sharegpt, wildchat)
