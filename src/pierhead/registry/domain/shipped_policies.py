"""The sets of policies that ship with Pierhead: `default`, and `solo` for one person on one machine."""

from collections.abc import Mapping
from types import MappingProxyType

DEFAULT = "default"
SOLO = "solo"
SHIPPED_REVISION = 1
"""Rises whenever one of the texts below says something else."""

_DEFAULT_TEXT = """\
# Only group ml-leads decides what goes to Production; nobody approves what they made or asked for.
name: default
policies:
- name: production
  match:
    models: ["*"]
    stages: [Production]            # the alias `production` is the same place
    aliases: [production, champion]
  request: {groups: [data-scientists, ml-leads, admins]}
  approve: {groups: [ml-leads], count: 1, distinct_from: [requester, author]}
  direct: true                      # a lead who is no author may move a version that nobody asked for
  expires: 72h
  provenance: require_for_production
  checks:
  - signature
  # Python's own pickle is how most flavours save models, and every pickle can run code when it is loaded: refusing
  # it would refuse nearly everything, so that the approver is told instead.
  - artifact_scan: {mode: warn}
  break_glass: {groups: [admins], review_by: [ml-leads], review_within: 72h}
- name: production-endpoints
  match:
    endpoint_tags: {environment: production}
  from_stages: [Production]
  break_glass: {groups: [admins], review_by: [ml-leads], review_within: 72h}
"""

_SOLO_TEXT = """\
# One person on one machine: everything is looked at and told, and nothing but a missing right refuses.
name: solo
policies:
- name: production
  match:
    models: ["*"]
    stages: [Production]
    aliases: [production, champion]
  mode: warn
  approve: {groups: [users], count: 1, distinct_from: []}
  direct: true
  expires: 72h
  provenance: require_for_production
  checks:
  - signature
  - artifact_scan
- name: production-endpoints
  match:
    endpoint_tags: {environment: production}
  mode: warn
  from_stages: [Production]
"""

SHIPPED: Mapping[str, str] = MappingProxyType({DEFAULT: _DEFAULT_TEXT, SOLO: _SOLO_TEXT})
