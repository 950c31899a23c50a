"""Tables of identity; importing this package declares all of them."""

from pierhead.identity.store import accounts as accounts
from pierhead.identity.store import audit as audit
from pierhead.identity.store import grants as grants
from pierhead.identity.store import milestones as milestones
from pierhead.identity.store import permissions as permissions
