"""A script without an event loop, as a process: `_start_now.py FOLDER`, with DATABASE_URL and ENDPOINT set."""

import os
import sys

from sendoka import migrate_now

migrate_now(os.environ["DATABASE_URL"], sys.argv[1], endpoint=os.environ["ENDPOINT"])
