"""The operation log, from act to proof."""

from lib.logs.record import Act, Operator, record

__all__ = ["Act", "Operator", "record"]
