"""Distances between a reference and current data, one statistic a file.

Every file has `of_counts(reference, current)` over the same cells, the numeric ones also `of_samples(reference,
current)`; both give `Measured`. `METHOD` is the statistic's definition as it is stored beside the value.
"""
