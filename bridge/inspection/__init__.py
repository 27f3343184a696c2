"""Reading the topics of a running system: verify, trace, lag."""
