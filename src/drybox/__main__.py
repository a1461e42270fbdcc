"""``python -m drybox`` is ``drybox``."""

from drybox.cli import main

if __name__ == "__main__":
    main()
