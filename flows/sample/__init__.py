"""Sample logs: written requests, invented people and planted faults, with the truth beside them."""

from flows.sample.write import QuarterSample, SampleSummary, write_sample

__all__ = ["QuarterSample", "SampleSummary", "write_sample"]
