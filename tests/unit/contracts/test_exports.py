"""The public face of the contracts."""

import inspect

from pydantic import BaseModel

from livesteward import contracts
from livesteward.contracts import base, rule, segment, verdict


def test_everything_that_is_listed_is_there_once() -> None:
    assert len(set(contracts.__all__)) == len(contracts.__all__)
    assert all(hasattr(contracts, name) for name in contracts.__all__)


def test_every_contract_is_listed() -> None:
    defined = {
        name
        for module in (base, rule, segment, verdict)
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    assert defined <= set(contracts.__all__)


def test_every_contract_is_frozen_and_refuses_unknown_fields() -> None:
    for name in contracts.__all__:
        value = getattr(contracts, name)
        if inspect.isclass(value) and issubclass(value, BaseModel):
            assert value.model_config["frozen"], name
            assert value.model_config["extra"] == "forbid", name
