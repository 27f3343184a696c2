"""What was given up on, and what becomes of it."""
