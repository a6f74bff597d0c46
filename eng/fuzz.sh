#!/usr/bin/env bash
# Damaged files by the million: eng/fuzz.sh [MUTANTS A FORMAT] [FIRST SEED]. Each process takes 50,000 mutants of every format with a seed of its own,
# 2 GB of managed memory and 30 minutes at most; one that crashes, hangs or fails a test ends the run. Says what was done and the most memory that was used.
set -euo pipefail
cd "$(dirname "$0")/.."
mutants=${1:-1000000} seed=${2:-1000} each=50000
program=tests/MoCoSharp.Data.Tests/bin/Release/net10.0/MoCoSharp.Data.Tests.dll
[ -f "$program" ] || dotnet build tests/MoCoSharp.Data.Tests -c Release
done=0 most=0
while [ "$done" -lt "$mutants" ]; do
    count=$((mutants - done < each ? mutants - done : each))
    log=$(mktemp)
    MOCOSHARP_FUZZ_MUTANTS=$count MOCOSHARP_FUZZ_SEED=$seed DOTNET_GCHeapHardLimit=0x80000000 \
        timeout 1800 dotnet "$program" -class "*FuzzTests" -parallel none -showLiveOutput > "$log" 2>&1 &
    child=$!
    while kill -0 "$child" 2> /dev/null; do
        for process in "$child" $(pgrep -P "$child" || true); do
            used=$(awk '/VmHWM/ { print $2 }' "/proc/$process/status" 2> /dev/null || true)
            [ "${used:-0}" -gt "$most" ] && most=$used
        done
        sleep 1
    done
    wait "$child" || { tail -40 "$log"; echo "seed $seed failed: $log"; exit 1; }
    grep -o "[^.]*\[OUTPUT\].*" "$log" | sed 's/\x1b\[[0-9]*m//g'
    rm "$log"
    done=$((done + count)) seed=$((seed + 1))
    echo "$done of $mutants mutants of each format, all as they should be; at most $((most / 1024)) MB"
done
