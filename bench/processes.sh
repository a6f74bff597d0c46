#!/usr/bin/env bash
# Images a second of 2 processes of 1 thread against 1 process of 1 thread and 1 of 2, in turn, and the share of the time that goes into waiting for
# messages. Usage: bench/processes.sh MOCO [ROUNDS] [--set k=v ...]; MOCO is the published program, moco or moco.dll.
set -euo pipefail
moco=$(realpath "$1"); rounds=${2:-3}; shift $(($# > 1 ? 2 : 1))
[[ $moco == *.dll ]] && program=(dotnet "$moco") || program=("$moco")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
settings=(data=patterns:2000 views.size=32 encoder.width=64 encoder.stem=cifar batchSize=64 bnGroups=8 moco.queueSize=4096 epochs=1 logEvery=4
    loader.workers=1 knn.everyEpochs=0 health.everySteps=0 checkpoints.everyEpochs=1000 "$@")
measure() { # NAME PROCESSES THREADS
    local start=()
    [ "$2" = 1 ] || start=(mpirun --allow-run-as-root --oversubscribe -np "$2")
    rm -rf "$1"
    "${start[@]}" "${program[@]}" pretrain patterns --run "$1" --steps 12 --set "${settings[@]}" "threads=$3" > "$1.out" 2> "$1.err" || { cat "$1.err"; exit 1; }
    # Reports of steps 5 to 8 and 9 to 12: the first ones warm up.
    python3 - "$1" >> "$1.numbers" <<'PYTHON'
import json, sys
for line in map(json.loads, open(sys.argv[1] + "/metrics.jsonl")):
    if line.get("loss") and line["step"] in (8, 12):
        print(line["imagesPerSecond"], line.get("communicationShare", 0), line["waitShare"])
PYTHON
}
for _ in $(seq "$rounds"); do
    measure one-of-one 1 1
    measure two-of-one 2 1
    measure one-of-two 1 2
done
python3 - <<'PYTHON'
from statistics import median
rows = {name: [tuple(map(float, line.split())) for line in open(name + ".numbers")] for name in ("one-of-one", "two-of-one", "one-of-two")}
rate = {name: median(row[0] for row in lines) for name, lines in rows.items()}
print("| | images/s (median, lowest to highest) | against 1 x 1 | communication | waiting for data |\n|---|---|---|---|---|")
for name, lines in rows.items():
    all_rates = [row[0] for row in lines]
    print(f"| {name} | {rate[name]:.1f} ({min(all_rates):.1f} to {max(all_rates):.1f}) | {rate[name] / rate['one-of-one']:.2f} | "
          f"{median(row[1] for row in lines):.1%} | {median(row[2] for row in lines):.1%} |")
PYTHON
