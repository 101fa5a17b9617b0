#!/bin/bash
# The contract of docker.io/library/nats: options, or a command.
set -euo pipefail
case ${1:-} in
  -* | '') set -- nats-server "$@" ;;
esac
exec "$@"
