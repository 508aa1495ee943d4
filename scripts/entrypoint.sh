#!/bin/sh
# What a container of the image starts. Dataflow, Flink and Kubernetes start a Beam worker with
# options alone (--id=…, --worker_pool): that is Beam's start program. Anything else is a command.
set -eu
case "${1:-}" in
    # Dataflow names a folder for staged files that root alone may write to; the last one counts.
    --*) exec /opt/apache/beam/boot "$@" --semi_persist_dir=/tmp ;;
    *) exec "$@" ;;
esac
