"""Writes records without end, until it is killed: `audit_writer.py FOLDER`. Says each number after its commit."""

import sys
from pathlib import Path

from sqlalchemy import insert

from pierhead.identity.services.audit import recording
from pierhead.identity.store.accounts import groups
from pierhead.kit.audit_context import acting
from pierhead.kit.clock import SystemClock
from pierhead.kit.db import Database, sqlite_url

database = Database(sqlite_url(Path(sys.argv[1]) / "test.db"), recording(SystemClock()))
number = 0
while True:
    number += 1
    with acting("writer", "add a group", {"name": f"g{number}"}), database.transaction() as connection:
        connection.execute(insert(groups).values(name=f"g{number}"))
    print(number, flush=True)
