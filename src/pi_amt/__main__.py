"""``python -m pi_amt`` is the program ``pi-amt``."""

from pi_amt.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
