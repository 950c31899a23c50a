"""Drift of the last minutes, counted while rows are written: no table is read for it.

The writer of the inference tables keeps a sketch of every feature, version by version, on the bins of the version's
reference, in slots of five minutes. A slot is a file of the run folder; slots merge into the last minutes.
"""
