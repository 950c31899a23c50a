"""What callers may do with experiments, and with all that lies in them."""

import time
from collections.abc import Callable, Sequence

from pierhead.identity.domain.objects import Action, Experiment, Kind, New, Platform, Readable
from pierhead.identity.services.access import Access
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, NotFound, PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.tracking.domain.claims import IfUnknown, Named, Thing
from pierhead.tracking.domain.experiments import experiment_of_path
from pierhead.tracking.services.whereabouts import Whereabouts

_REMEMBERED_S = 1.0
"""How long a right that was taken away may still be used. Refusals are never remembered."""

_MOST_REMEMBERED = 20_000

# As MLflow says it: its clients look at some of these.
_UNKNOWN = {
    Thing.EXPERIMENT: "No Experiment with id={id} exists",
    Thing.EXPERIMENT_NAME: "Could not find experiment with name '{id}'",
    Thing.RUN: "Run with id={id} not found",
    Thing.MODEL: "Logged model with ID '{id}' not found",
    Thing.TRACE: "Trace with ID '{id}' not found",
    Thing.ASSESSMENT: "Assessment with ID '{id}' not found",
    Thing.DATASET: "Evaluation dataset with id '{id}' not found",
}


class ExperimentRights:
    """One for the process. Its questions open transactions of their own, so they are for threads; `recall` is not."""

    def __init__(
        self, database: Database, whereabouts: Whereabouts, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.whereabouts = whereabouts
        self._database = database
        self._monotonic = monotonic
        self._until: dict[tuple[Caller, Action, str], float] = {}

    def recall(self, caller: Caller, named: Sequence[Named]) -> bool:
        """Whether all of this was allowed a moment ago. Neither waits nor reads anything."""
        now = self._monotonic()
        for each in named:
            place = each.id if each.thing is Thing.EXPERIMENT else self.whereabouts.remembered(each.thing, each.id)
            if place is None or self._until.get((caller, each.action, place), 0.0) < now:
                return False
        return True

    def require(self, caller: Caller, named: Sequence[Named]) -> frozenset[Named]:
        """Raises NotFound or PermissionDenied; gives what does not exist and may be left out."""
        places = {each: self.whereabouts.experiments_of(each.thing, each.id) for each in named}
        for each, held in places.items():
            if held is None and each.if_unknown is IfUnknown.REFUSE:
                raise NotFound(_UNKNOWN[each.thing].format(id=each.id))
        wanted = {(each.action, id) for each, held in places.items() for id in held or ()}
        homeless = {each.action for each, held in places.items() if held == ()}
        with self._database.reading() as connection:
            access = Access(connection, caller)
            for action, id in sorted(wanted, key=lambda pair: (pair[1], pair[0].name)):
                access.require(action, self._experiment(id))
            if homeless:
                _require_for_homeless(access, homeless)
        self._remember(caller, wanted)
        return frozenset(each for each, held in places.items() if held is None and each.if_unknown is _LEAVE_OUT)

    def require_origin(self, caller: Caller, run_id: str | None, model_id: str | None) -> None:
        """Raises PermissionDenied if the caller names a run or a logged model as an origin without a right to read it.

        Those that are not known here may be another server's.
        """
        claimed = ((Thing.RUN, run_id), (Thing.MODEL, model_id))
        named = [Named(Action.READ, thing, id, IfUnknown.PASS) for thing, id in claimed if id]
        if not self.recall(caller, named):
            self.require(caller, named)

    def require_files(self, caller: Caller, action: Action, path: str) -> None:
        """For READ or WRITE at a path of the tree of artifacts.

        Raises NotFound, PermissionDenied, or InvalidArgument outside of all experiments.
        """
        if not path:
            self._require_root(caller, action)
            return
        id = experiment_of_path(path)
        if id is None:
            raise InvalidArgument(f"path {path!r} lies in no experiment; artifacts lie under EXPERIMENT_ID/")
        named = [Named(action, Thing.EXPERIMENT, id)]
        if not self.recall(caller, named):
            self.require(caller, named)

    def _require_root(self, caller: Caller, action: Action) -> None:
        if action is not Action.READ or not self.readable(caller).everything:
            raise PermissionDenied(
                f"{caller.user_name} may not {action.value} the root of all artifacts; name an experiment: "
                "EXPERIMENT_ID/"
            )

    def require_new(self, caller: Caller, name: str) -> None:
        """Raises PermissionDenied if the caller may not make an experiment."""
        with self._database.reading() as connection:
            Access(connection, caller).require(Action.CREATE, New(Kind.EXPERIMENT, name, Platform()))

    def readable(self, caller: Caller) -> Readable:
        """Which experiments lists may show."""
        with self._database.reading() as connection:
            return Access(connection, caller).readable(Kind.EXPERIMENT)

    def shows_dataset(self, readable: Readable, id: str) -> bool:
        """Whether a list may show a dataset: every experiment that holds it must be readable."""
        held = self.whereabouts.experiments_of(Thing.DATASET, id)
        return bool(held) and all(readable.covers(self._experiment(id)) for id in held or ())

    def _experiment(self, id: str) -> Experiment:
        # One that has just gone keeps its id and has no owner any more.
        return self.whereabouts.experiment(id) or Experiment(id, None)

    def _remember(self, caller: Caller, allowed: set[tuple[Action, str]]) -> None:
        if len(self._until) >= _MOST_REMEMBERED:
            self._until.clear()
        until = self._monotonic() + _REMEMBERED_S
        self._until.update({(caller, action, id): until for action, id in allowed})


_LEAVE_OUT = IfUnknown.LEAVE_OUT


def _require_for_homeless(access: Access, actions: set[Action]) -> None:
    """For datasets that lie in no experiment: who reads everything reads them, and only admins change them."""
    if actions == {Action.READ} and access.readable(Kind.EXPERIMENT).everything:
        return
    access.require(Action.MANAGE, Platform())


class ArtifactGuard:
    """Who may do what in a tree of artifacts, whose first folders are the ids of experiments.

    A `FileGuard`, both for the paths of MLflow's protocol and for those of the Files API.
    """

    def __init__(self, rights: ExperimentRights) -> None:
        self._rights = rights

    def __call__(self, caller: Caller, operation: str, path: str) -> None:
        """`operation` is `read` or `write`. Raises what `require_files` raises."""
        self._rights.require_files(caller, Action.READ if operation == "read" else Action.WRITE, path)
