"""`python -m kpcmd`."""

import sys

from kpcmd.app import main

sys.exit(main())
