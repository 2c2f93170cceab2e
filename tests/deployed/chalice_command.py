"""The `chalice` command, whose waiters look again after a quarter of a second instead of five.

python -m tests.deployed.chalice_command deploy --stage NAME
"""

import sys
import time

LONGEST_SECONDS = 0.25

if __name__ == "__main__":
    from chalice.cli import main

    pause = time.sleep
    time.sleep = lambda seconds: pause(min(float(seconds), LONGEST_SECONDS))
    sys.exit(main())
