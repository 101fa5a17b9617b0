#!/bin/bash
# The contract of docker.io/library/mongo: MONGO_INITDB_ROOT_USERNAME, MONGO_INITDB_ROOT_PASSWORD or …_FILE, port 27017, data in /data/db.
# Inside are FerretDB and, on a Unix socket that only this container sees, its Postgres. When one ends, both do.
set -euo pipefail

case ${1:-mongod} in
  mongod) shift || true ;;
  -*) ;;
  *) exec "$@" ;;
esac
[ $# -eq 0 ] || echo "options of mongod that this stand-in has no use for: $*" >&2

if [ -n "${MONGO_INITDB_ROOT_PASSWORD_FILE:-}" ]; then MONGO_INITDB_ROOT_PASSWORD=$(< "$MONGO_INITDB_ROOT_PASSWORD_FILE"); fi
if [ -z "${MONGO_INITDB_ROOT_USERNAME:-}" ] || [ -z "${MONGO_INITDB_ROOT_PASSWORD:-}" ]; then
  echo 'This stand-in always asks for a password: set MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD (or …_FILE).' >&2
  exit 1
fi

data=/data/db/postgres
# Left by a container that was killed, with the socket's lock in it.
socket=/tmp/postgres
rm -rf "$socket"
mkdir -m 0700 "$socket"
initialise-postgres.sh "$data" ferretdb --auth-host=reject

# The lock file of a Postgres that was killed names a process by its number, which is somebody else's in a new container: Postgres would
# not start. Whether one runs on this data is asked of the kernel instead.
exec 9> /data/db/postgres.lock
flock --nonblock 9 || { echo 'another container runs on this data' >&2; exit 1; }
rm -f "$data/postmaster.pid"

postgres -D "$data" -c listen_addresses= -c unix_socket_directories="$socket" -c max_connections=200 &
postgres=$!
ROOT_PASSWORD=$MONGO_INITDB_ROOT_PASSWORD ferretdb --listen :27017 --root-username "$MONGO_INITDB_ROOT_USERNAME" \
  --postgres-url "postgres://ferretdb@/postgres?host=$socket" &
ferretdb=$!

stopping=
trap 'stopping=yes; kill -TERM $ferretdb' TERM INT
# A signal ends the wait; so does the end of either process.
wait -n $postgres $ferretdb || true
kill -TERM $ferretdb 2> /dev/null || true
wait $ferretdb || true
kill -INT $postgres 2> /dev/null || true
wait $postgres || true
[ -n "$stopping" ]
