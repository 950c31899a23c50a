"""The registry's doors: one registry, one folder of dialects."""
