"""Rules about schemas, each with its bad and its good example."""

from sendoka.lint.rule import Finding, Rule
from sendoka.lint.run import lint

__all__ = ["Finding", "Rule", "lint"]
