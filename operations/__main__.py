"""``python -m operations`` is ``hocphi``."""

from operations.cli import main

main()
