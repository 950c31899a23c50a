"""How each endpoint wants its rows kept, remembered beside the spool: an endpoint that is deleted leaves records."""

import json
from pathlib import Path

from pierhead.monitoring.ports import Policies
from pierhead.serving.domain.table_tags import Mask, TablePolicy

_FILE = "policies.json"

UNKNOWN = TablePolicy()
"""Of an endpoint that was gone before its first record was read: nobody knows what of its bodies may be kept."""


class KnownPolicies:
    """The policies of one table's endpoints, in `ROOT/TABLE/policies.json` of the spool. Read anew after `forget`."""

    def __init__(self, folder: Path, policies: Policies) -> None:
        self._path = folder / _FILE
        self._policies = policies
        self._seen: dict[str, TablePolicy] = {}

    def find(self, endpoint_id: str) -> TablePolicy:
        """What its tags say; once it is gone, what they said when records came last, or the object `UNKNOWN`."""
        if endpoint_id not in self._seen:
            found = self._policies.find(endpoint_id)
            kept = self._kept()
            if found is None:
                found = kept.get(endpoint_id, UNKNOWN)
            elif kept.get(endpoint_id) != found:
                self._keep(kept | {endpoint_id: found})
            self._seen[endpoint_id] = found
        return self._seen[endpoint_id]

    def retention_days(self) -> int | None:
        """The shortest that an endpoint of this table asks for; None for ever."""
        kept = self._kept()
        days = [policy.retention_days for policy in (self.find(endpoint_id) for endpoint_id in kept)]
        return min((each for each in days if each is not None), default=None)

    def forget(self) -> None:
        """Look at the tags again next time."""
        self._seen.clear()

    def _kept(self) -> dict[str, TablePolicy]:
        try:
            content = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        return {endpoint_id: _policy(fields) for endpoint_id, fields in content.items()}

    def _keep(self, policies: dict[str, TablePolicy]) -> None:
        new = self._path.with_name(f".{_FILE}.new")
        new.write_text(json.dumps({endpoint_id: _fields(policy) for endpoint_id, policy in policies.items()}))
        new.replace(self._path)


def _fields(policy: TablePolicy) -> dict[str, object]:
    masks = {name: mask.value for name, mask in policy.masks.items()}
    return {"masks": masks, "retention_days": policy.retention_days, "entity_key": policy.entity_key}


def _policy(fields: dict[str, object]) -> TablePolicy:
    masks, days, key = fields.get("masks"), fields.get("retention_days"), fields.get("entity_key")
    return TablePolicy(
        masks={str(name): Mask(how) for name, how in masks.items()} if isinstance(masks, dict) else {},
        retention_days=days if isinstance(days, int) else None,
        entity_key=key if isinstance(key, str) else None,
    )
