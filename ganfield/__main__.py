"""``python -m ganfield``."""

import sys

from ganfield.cli import main

if __name__ == "__main__":
    sys.exit(main())
