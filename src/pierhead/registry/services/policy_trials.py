"""What would the gate say? Of another target, for somebody else, under policies that are not chosen yet."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action, Platform
from pierhead.identity.services.access import Access
from pierhead.identity.services.directory import Accounts
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.gate import EndpointTarget
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.policies import PolicySet
from pierhead.registry.domain.policy_yaml import parse_policies
from pierhead.registry.domain.targets import Place
from pierhead.registry.services.gatekeeping import Gate, GateSources, Verdict
from pierhead.registry.services.promotion import Promotions
from pierhead.registry.services.versions import Versions


@dataclass(frozen=True, slots=True)
class Trial:
    """A question to the gate. `user` is None for the caller, `text` for the policies that decide today."""

    name: str
    number: int
    target: Place | EndpointTarget
    user: str | None
    text: str | None


class PolicyTrials:
    """Answers one caller, within one transaction; nothing is changed, and nothing remembered."""

    def __init__(self, connection: Connection, caller: Caller, sources: GateSources) -> None:
        self._connection = connection
        self._caller = caller
        self._sources = sources

    def run(self, trial: Trial) -> tuple[ModelVersion, Verdict]:
        """Raises NotFound, InvalidState unless the version is READY, InvalidPolicies, or PermissionDenied for a caller
        who asks for somebody else and is no admin."""
        caller = self._caller if trial.user in (None, self._caller.user_name) else self._somebody(str(trial.user))
        sources = self._sources if trial.text is None else _under(self._sources, parse_policies(trial.text.encode()))
        if isinstance(trial.target, EndpointTarget):
            version = Versions(self._connection, sources.clock).get(trial.name, trial.number)
            _ = version.digest
            return version, Gate(self._connection, caller, sources).look(version, trial.target, [None])
        return Promotions(self._connection, caller, sources).preview(trial.name, trial.number, trial.target)

    def _somebody(self, name: str) -> Caller:
        Access(self._connection, self._caller).require(Action.MANAGE, Platform())
        account = Accounts(self._connection, self._sources.clock).get(name)
        return Caller(account.id, account.name, account.groups, account.kind, account.owner, account.entitlements)


def _under(sources: GateSources, policies: PolicySet) -> GateSources:
    return replace(sources, policies=lambda _connection: policies)
