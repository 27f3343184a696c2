"""From events to calls, in order."""
