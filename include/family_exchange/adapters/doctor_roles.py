"""Who may do what in a council's database: its log-in, others', and the roles of purposes."""

from collections.abc import Iterator

from family_exchange.adapters import roles as purposes
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doctor_database import asking, but, one_row
from family_exchange.domain.doctor import Finding, Room, judged


def roles(url: str) -> Iterator[Finding]:
    """The council's log-in and the roles of purposes are there, and none may more than it needs."""
    with asking(url) as connection:
        yield from _login(connection)
        yield from _strangers(connection)
        yield from _purposes(connection)


def _login(connection: Connection) -> Iterator[Finding]:
    """Who logs in for us is nobody special."""
    name, *powers = one_row(
        connection,
        """SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles
            WHERE rolname = session_user""",
    )
    words = ("SUPERUSER", "BYPASSRLS", "CREATEROLE", "CREATEDB", "REPLICATION")
    has = [word for word, power in zip(words, powers, strict=True) if power]
    has += [
        str(role)
        for (role,) in connection.execute(
            """SELECT r.rolname FROM pg_roles r WHERE r.rolname LIKE 'pg\\_%%' AND NOT rolsuper
                AND pg_has_role(session_user, r.oid, 'MEMBER') AND r.rolname <> 'pg_database_owner' ORDER BY 1"""
        )
        if not powers[0]
    ]
    yield judged(
        Room.DATABASE,
        f"the log-in {name}",
        f"has {', '.join(has)}" if has else "has no power over the server",
        well=not has,
        advice="use a log-in of its own: CREATE ROLE … LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
    )


def _strangers(connection: Connection) -> Iterator[Finding]:
    """Nobody else's log-in gets into the database."""
    everybody = bool(
        one_row(
            connection,
            """SELECT EXISTS (SELECT FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
                WHERE d.datname = current_database() AND a.grantee = 0 AND a.privilege_type = 'CONNECT')""",
        )[0]
    )
    others = int(
        str(
            one_row(
                connection,
                """SELECT count(*) FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolname <> session_user
                     AND has_database_privilege(oid, current_database(), 'CONNECT')""",
            )[0]
        )
    )
    open_to = "every log-in of the server" if everybody else f"{others} other log-ins"
    yield judged(
        Room.DATABASE,
        "who may connect",
        f"also {open_to}" if everybody or others else "the council's own log-in alone",
        well=not everybody and not others,
        advice="REVOKE ALL ON DATABASE … FROM PUBLIC, and from each log-in that is not this council's",
    )
    public = one_row(connection, "SELECT has_schema_privilege('public', 'public', 'CREATE')")[0]
    yield judged(
        Room.DATABASE,
        "the schema public",
        "everybody may make things in it" if public else "nobody but its owner makes things in it",
        well=not public,
        advice="REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    )


def _purposes(connection: Connection) -> Iterator[Finding]:
    """The role of every purpose is there, is nobody's log-in, and only reads."""
    rows = connection.execute(
        """SELECT rolname, rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb,
                  pg_has_role(session_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = ANY(%s) ORDER BY 1""",
        (list(purposes.ROLES),),
    ).fetchall()
    there = {str(name) for name, *_ in rows}
    missing = sorted(set(purposes.ROLES) - there) + [str(name) for name, _, ours in rows if not ours]
    prepare = "whoever may make roles runs `family-exchange database prepare`"
    yield but("roles of purposes that our log-in may take on", missing, len(purposes.ROLES), prepare)
    yield but(
        "roles of purposes without powers of their own",
        [str(name) for name, power, _ in rows if power],
        len(rows),
        "ALTER ROLE … NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
    )
    writing = connection.execute(
        """SELECT DISTINCT r.rolname FROM pg_roles r, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE r.rolname = ANY(%s) AND c.relkind IN ('r', 'p', 'v')
              AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
              AND has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
            UNION
           SELECT DISTINCT r.rolname FROM pg_roles r, pg_namespace n
            WHERE r.rolname = ANY(%s) AND n.nspname !~ '^pg_' AND has_schema_privilege(r.oid, n.oid, 'CREATE')
            ORDER BY 1""",
        (list(purposes.ROLES), list(purposes.ROLES)),
    ).fetchall()
    yield but(
        "roles of purposes that only read",
        [str(name) for (name,) in writing],
        len(rows),
        "REVOKE what they may write; `family-exchange database prepare` gives back what they may read",
    )
