"""What identity needs from outside: the objects that rights are about."""

from typing import Protocol

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Endpoint, Experiment, Kind, Model, Target
from pierhead.identity.domain.privileges import SecurableType


class Objects(Protocol):
    """The areas that keep objects, asked within the caller's transaction."""

    def find(self, connection: Connection, kind: Kind, object_id: str) -> Model | Endpoint | None:
        """The registered model or serving endpoint with this id."""

    def find_experiment(self, experiment_id: str) -> Experiment | None:
        """The experiment with this id. May wait for another process: to be asked outside of transactions.

        Raises InvalidArgument for what can be no id, Unavailable while nobody can tell.
        """

    def find_securable(self, connection: Connection, type: SecurableType, full_name: str) -> Target | None:
        """The catalog, schema, model, table or volume of this name."""
