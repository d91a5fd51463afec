"""Decisions made again: from a record, and the envelopes that it names."""
