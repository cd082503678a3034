"""`python -m launch NAME --flags`: the command `bsgen` in a checkout."""

from . import command

if __name__ == "__main__":
    command.main()
