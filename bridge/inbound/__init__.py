"""How news comes in."""
