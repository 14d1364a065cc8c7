"""`python -m mimidiar.cli`."""

from mimidiar.cli import main

main()
