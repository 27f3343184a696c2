"""Redo (API v2.2): what it offers to the bridge."""
