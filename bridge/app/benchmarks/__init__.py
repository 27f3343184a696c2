"""How fast each part is: what `returns-bridge bench` runs.

Every measured part runs in a process of its own, started by `worker.py`, as the real
one does; the process of the command makes the load and the topics, and counts. CPU
time is given beside every rate, since wall time says little on a shared machine.
"""
