"""For other teams: consume and produce canonical events."""
