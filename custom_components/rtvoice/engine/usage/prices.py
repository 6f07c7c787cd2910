"""Prices of models, as data that can be replaced."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

type Usd = Annotated[Decimal, Field(ge=0)]

_SNAPSHOT_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TokenRates(_Frozen):
    """USD per million tokens of one kind; None where the price is not known."""

    input: Usd | None = None
    cached: Usd | None = None
    """Input that the provider had seen before; None where it costs as much as any input."""
    output: Usd | None = None


class ModelPrice(_Frozen):
    """What a model costs, since when that is known, and who says so."""

    text: TokenRates = TokenRates()
    audio: TokenRates = TokenRates()
    image: TokenRates = TokenRates()
    minute: Usd | None = None
    """USD per minute of audio, for models that are paid by time."""
    as_of: date
    source: str
    remark: str = ""
    """What a reader of the bill should know, such as that the price is uncertain."""


class PriceList(_Frozen):
    """Prices by the name of the model."""

    models: Mapping[str, ModelPrice] = {}

    def find(self, model: str) -> ModelPrice | None:
        """The price of a model, or of the model whose dated snapshot it is; None if it is not known."""
        return self.models.get(model) or self.models.get(_SNAPSHOT_DATE.sub("", model))

    def replaced(self, models: Mapping[str, ModelPrice]) -> PriceList:
        """A list in which these prices take the place of, or stand beside, the ones here."""
        return PriceList(models={**self.models, **models})
