"""Simulated platforms and warehouse, for trying out and for tests."""
