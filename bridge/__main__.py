"""`python -m bridge`: the same as the command `returns-bridge`."""

import sys

from bridge.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
