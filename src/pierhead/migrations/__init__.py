"""Revisions of the metadata database, run by `pierhead.kit.schema`."""
