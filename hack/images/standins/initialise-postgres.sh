#!/bin/bash
# Makes the data folder $1 a Postgres cluster with superuser $2, unless it is one. The rest are options of initdb.
# A kill at any point leaves either no PG_VERSION, and the next start goes on where this one was, or a whole cluster.
set -euo pipefail

data=$1 superuser=$2
shift 2
[ -f "$data/PG_VERSION" ] && exit 0

mkdir -p "$data"
new=$data/.new
if [ ! -f "$new/.complete" ]; then
  rm -rf "$new"
  initdb --pgdata="$new" --username="$superuser" --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --no-instructions "$@" >&2
  echo 'host all all all scram-sha-256' >> "$new/pg_hba.conf"
  if [ -n "${POSTGRES_DB:-}" ] && [ "$POSTGRES_DB" != postgres ]; then
    printf 'create database "%s";\n' "${POSTGRES_DB//\"/\"\"}" | postgres --single -D "$new" postgres > /dev/null
  fi
  touch "$new/.complete"
  sync
fi
chmod 0700 "$data"
for entry in "$new"/*; do
  [ "$entry" = "$new/PG_VERSION" ] || mv -T "$entry" "$data/${entry##*/}"
done
mv "$new/PG_VERSION" "$data/PG_VERSION"
rm -rf "$new"
sync
