"""The canonical language: returns, events, envelope. Pure."""
