"""A compilation as JSON."""

from typing import Any

import msgspec

from pierhead.compile.domain.compilations import Compilation, next_try
from pierhead.kit.clock import to_ms


def compilation_json(compilation: Compilation, is_genuine: bool | None) -> dict[str, Any]:
    """`is_genuine` says whether the platform's key signed the certificate as it stands; None for nothing to check."""
    signed, withdrawal = compilation.signed, compilation.withdrawal
    return {
        "source": compilation.source,
        "state": compilation.state.value,
        "tier": compilation.tier.value,
        "asked_at": to_ms(compilation.asked_at),
        "asked_by": compilation.asked_by,
        "ended_at": None if compilation.ended_at is None else to_ms(compilation.ended_at),
        "attempts": compilation.attempts,
        "next_try_at": None if (due := next_try(compilation)) is None else to_ms(due),
        "message": compilation.damage or compilation.message,
        "certificate": None if signed is None else msgspec.to_builtins(signed.certificate),
        "signature": None if signed is None else {"key": signed.key_id, "value": signed.signature},
        "is_genuine": is_genuine,
        "verified_rows": compilation.verified_rows,
        "withdrawal": None
        if withdrawal is None
        else {"withdrawn_at": to_ms(withdrawal.at), "reason": withdrawal.reason},
    }
