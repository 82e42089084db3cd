"""`python -m ecsnet` does what `ecsnet` does, where scripts are not on the PATH."""

from ecsnet.cli import main

main()
