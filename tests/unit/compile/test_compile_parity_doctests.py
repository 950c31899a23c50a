"""The examples in docstrings of the parity modules are right."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["cases", "comparison", "floats", "layouts"])
def test_the_examples_are_right(name):
    module = importlib.import_module(f"pierhead.compile.parity.{name}")
    results = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert results.attempted
    assert not results.failed
