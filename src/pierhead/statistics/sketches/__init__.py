"""Mergeable summaries of a column, kept by writers and read at any window."""
