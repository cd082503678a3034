"""Configurations as dictionaries of JSON's types, and back."""

import dataclasses
import json
from typing import Any, TypeVar

import cattrs
from cattrs.gen import make_dict_unstructure_fn, override

from bsgen import errors
from bsgen.config import checked

Config = TypeVar("Config")


def to_dict(config: Any) -> dict[str, Any]:
    """Returns `config` as nested dictionaries of JSON's types."""
    return json.loads(json.dumps(_converter.unstructure(config)))


def structure(values: dict[str, Any], cls: type[Config]) -> Config:
    """Returns the configuration of class `cls` that `to_dict` wrote.

    Raises:
      UserError: a field is unknown, missing or out of range.
    """
    try:
        return _converter.structure(values, cls)
    except (cattrs.BaseValidationError, TypeError) as error:
        reason = "; ".join(cattrs.transform_error(error))
        raise errors.UserError("config", values, reason) from error


def _omit_defaults(cls: Any) -> Any:
    """Returns what makes dictionaries of a class, without most fields at default."""
    written: dict[str, Any] = {
        field.name: override(omit_if_default=False)
        for field in dataclasses.fields(cls)
        if checked.is_always_written(field)
    }
    return make_dict_unstructure_fn(
        cls, _converter, _cattrs_omit_if_default=True, **written
    )


_converter = cattrs.Converter(forbid_extra_keys=True)
_converter.register_unstructure_hook_factory(dataclasses.is_dataclass, _omit_defaults)
