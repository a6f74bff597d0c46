#!/usr/bin/env python3
"""Whether a training step or the views need more instructions than the kept counts, bench/instructions.json.

Valgrind counts the instructions of a process that trains a few steps, and of one that trains two steps more; the
difference is that of the steps. Counts do not depend on what else the machine does, and repeat within 0.1 %. Code is
that for AVX2 in float32: Valgrind knows no AVX-512 and no bfloat16, which bench/against_reference.py measures. What
needs 15 % more instructions gives the exit code 1, another fault gives 2. Needs the .NET SDK, Valgrind, and a processor
with AVX2. Takes about four minutes of processor time.

usage: python3 bench/instructions.py [--keep]
--keep writes the counts to bench/instructions.json: after a change that needs fewer, or more for a good reason.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ALLOWED = 1.15
HERE = Path(__file__).resolve().parent
KEPT = HERE / "instructions.json"
# What is counted, and how often it runs in the first and in the second process. The first time compiles it.
COUNTED = {"a step of a narrow ResNet": ("step", 2, 4), "a view of 224 pixels": ("views", 4, 12)}
# Everything compiled at once and in one order, a fixed budget for garbage, one thread, no AVX-512.
FIXED = {
    "DOTNET_TieredCompilation": "0",
    "DOTNET_GCHeapHardLimit": "0x80000000",
    "DOTNET_GCgen0size": "0x2000000",
    "DOTNET_gcConcurrent": "0",
    "DOTNET_EnableAVX512": "0",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "OMP_NUM_THREADS": "1",
}


def fail(message):
    print(message, file=sys.stderr)
    sys.exit(2)


def tell(message):
    print(message, file=sys.stderr, flush=True)


def run(*command, environment=None):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        fail(f"{' '.join(map(str, command))} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout + done.stderr


def instructions(program, kind, count):
    """Of all threads of one process."""
    with tempfile.TemporaryDirectory() as folder:
        text = run(
            "valgrind", "--tool=exp-bbv", "--instr-count-only=yes", f"--bb-out-file={folder}/bb",
            "dotnet", program, kind, count, environment=os.environ | FIXED)
    found = [int(number) for number in re.findall(r"Total instructions: (\d+)", text)]
    if not found:
        fail(f"Valgrind has printed no count of instructions:\n{text[-4000:]}")
    return sum(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="keep the counts")
    options = parser.parse_args()
    missing = [tool for tool in ("dotnet", "valgrind") if shutil.which(tool) is None]
    if missing:
        fail(f"not found in PATH: {', '.join(missing)}; on Debian, apt-get install valgrind")

    processor = Path("/proc/cpuinfo")
    if not processor.exists() or " avx2 " not in processor.read_text().replace("\n", " "):
        fail("this is not Linux on a processor with AVX2: instructions cannot be compared with the kept ones")

    with tempfile.TemporaryDirectory() as folder:
        tell("building")
        # A place of its own, so that another build may run meanwhile.
        run("dotnet", "build", HERE / "Instructions", "-c", "Release", "--artifacts-path", folder)
        program = Path(folder) / "bin/Instructions/release/Instructions.dll"
        pool = ThreadPoolExecutor(max_workers=2)
        try:
            totals = {
                name: [pool.submit(instructions, program, kind, count) for count in counts]
                for name, (kind, *counts) in COUNTED.items()
            }
            now = {}
            for name, (_, few, many) in COUNTED.items():
                tell(f"counting {name}")
                first, second = (total.result() for total in totals[name])
                now[name] = (second - first) // (many - few)
        finally:
            pool.shutdown(cancel_futures=True)

    if options.keep:
        KEPT.write_text(json.dumps(now, indent=2) + "\n")
    kept = json.loads(KEPT.read_text())
    print(f"{'instructions':28}{'kept':>15}{'now':>15}  ratio")
    for name, count in now.items():
        print(f"{name:28}{kept[name]:15,}{count:15,}  {count / kept[name]:.3f}")

    more = [name for name, count in now.items() if count > ALLOWED * kept[name]]
    if more:
        print(f"{ALLOWED - 1:.0%} more instructions than kept: {', '.join(more)}", file=sys.stderr)
        sys.exit(1)


try:
    main()
except KeyboardInterrupt:
    fail("stopped")
