#!/bin/bash
# The contract of docker.io/library/postgres: POSTGRES_USER, POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, POSTGRES_DB, PGDATA.
set -euo pipefail

case ${1:-} in
  -* | '') set -- postgres "$@" ;;
esac
[ "$1" = postgres ] || exec "$@"

if [ ! -f "$PGDATA/PG_VERSION" ]; then
  if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then POSTGRES_PASSWORD=$(< "$POSTGRES_PASSWORD_FILE"); fi
  if [ -z "${POSTGRES_PASSWORD:-}" ]; then
    echo 'A new database needs a password for its superuser: set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE.' >&2
    exit 1
  fi
  user=${POSTGRES_USER:-postgres}
  export POSTGRES_DB=${POSTGRES_DB:-$user}
  initialise-postgres.sh "$PGDATA" "$user" --auth-host=scram-sha-256 --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --set listen_addresses='*'
fi
unset POSTGRES_PASSWORD
exec "$@"
