#!/usr/bin/env bash
# Runs all tests. Needs the .NET 10 SDK. Those of files for PyTorch let PyTorch itself be the judge: without it they skip, and fail in CI.
# Those of many processes start some with Open MPI's mpirun, those of two hosts use ssh, and those of pages open them in Chromium: likewise.
set -euo pipefail
cd "$(dirname "$0")"
status=0
if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! /usr/bin/python3 -c 'import torch, torchvision' 2>/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends python3-torch python3-torchvision
fi
if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! command -v mpirun >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends openmpi-bin
fi
if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! command -v chromium >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends chromium
fi
if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! { command -v sshd && command -v ip && command -v faketime; } >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends openssh-server iproute2 faketime
fi
# Tests of commands for Windows ask PowerShell.
export PATH="$PATH:$HOME/.dotnet/tools"
if [ "${CI:-}" = true ] && ! command -v pwsh >/dev/null; then
    dotnet tool install --global powershell --version 7.6.9
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
dotnet test --solution MoCoSharp.slnx -c Release "$@" 2>&1 | tee "$log" || status=$?
exit "$status"
