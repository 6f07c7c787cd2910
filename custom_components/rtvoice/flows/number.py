"""Numbers in forms."""

from math import isfinite
from typing import Any, override

import probatio
from homeassistant.helpers.selector import NumberSelector


class Number(NumberSelector):
    """A number within its bounds. Home Assistant's own takes what is written as "nan", which is within all bounds."""

    @override
    def __call__(self, data: Any) -> float:
        """The number. Raises Invalid."""
        value = super().__call__(data)
        if not isfinite(value):
            raise probatio.Invalid(f"{value} is no number")
        return value
