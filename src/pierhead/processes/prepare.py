"""What has to be there before the first process starts: folders, tables, an admin with a token."""

import os

from sqlalchemy.exc import SQLAlchemyError

from pierhead.identity.services.accounts import Identities
from pierhead.identity.services.audit import recording
from pierhead.kit.clock import Clock, SystemClock
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.errors import Unauthenticated
from pierhead.kit.home import ForeignFolder, Home
from pierhead.kit.replacing import replace_file
from pierhead.kit.schema import migrate
from pierhead.kit.settings import Settings
from pierhead.processes.errors import CannotStart


def create_folders(home: Home) -> None:
    """Raises CannotStart."""
    try:
        home.create()
        gateways = home.run / "gateways"
        gateways.mkdir(exist_ok=True)
        # Owning a folder is not enough: a read-only disk shows only when something is written.
        probe = home.run / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except ForeignFolder as error:
        raise CannotStart(str(error)) from None
    except OSError as error:
        raise CannotStart(
            f"home {home.root} cannot be written: {error.strerror or error}; "
            "make it writable, or choose another folder with --home or PIERHEAD_HOME"
        ) from None


def open_database(settings: Settings, home: Home) -> Database:
    """The metadata database as it is; nothing is created or changed."""
    return Database(settings.database_url or sqlite_url(home.database), recording(SystemClock()))


def prepare_database(database: Database) -> None:
    """Bring the tables up to date. Raises SchemaTooNew, or CannotStart if the database does not answer."""
    try:
        migrate(database)
    except SQLAlchemyError as error:
        cause = str(error).splitlines()[0]
        shown = database.engine.url.render_as_string(hide_password=True)
        raise CannotStart(f"the database {shown} cannot be used: {cause}") from error


def ensure_admin(database: Database, home: Home, clock: Clock) -> tuple[str, bool]:
    """A valid token of the admin, and whether it was made just now; it lies in the home's `admin-token` (mode 0600)."""
    with database.transaction() as connection:
        # On every start: a newer release may need more than the older one made.
        Identities(connection, clock).set_up()
    token = find_admin_token(home)
    if token:
        try:
            with database.reading() as connection:
                Identities(connection, clock).authenticate(token)
            return token, False
        except Unauthenticated:
            # The database is another one than the token was made for: make a new one, as on a first start.
            pass
    with database.transaction() as connection:
        token = Identities(connection, clock).create_admin()
    # After the commit: a crash in between leaves no file, and the next start makes another token.
    replace_file(home.admin_token, token + "\n")
    return token, True


def find_admin_token(home: Home) -> str:
    """The content of `admin-token`; empty if there is none."""
    try:
        return home.admin_token.read_text().strip()
    except FileNotFoundError:
        return ""
