"""Tests of every package, and of the house as a whole.

Where the environment forbids Python to keep what it compiled, each of the hundred processes that tests start would compile the
application anew, half a second of a processor, and each run rewrite every assertion.
"""

import os
import sys

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
