"""Build the demo dataset: ``python scripts/demo_data/build.py [--help]``."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from scripts.demo_data.dataset import main

    main()
