#!/usr/bin/env bash
# Runs all tests. Needs the .NET 10 SDK; the tests read golden files, so that no Python and no data set is wanted.
set -euo pipefail
cd "$(dirname "$0")"
status=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
dotnet test --solution MoCoSharp.slnx -c Release "$@" 2>&1 | tee "$log" || status=$?
exit "$status"
