"""From observations to one history per return."""
