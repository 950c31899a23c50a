"""How good predictions are once the truth is known."""
