"""`python -m ops.aws`, or ./ops/store."""

import sys

from ops.aws.command import main

sys.exit(main(sys.argv[1:]))
