#!/usr/bin/env python3
"""Whether this state of the code is slower than a reference, a commit before it.

Both are built here, and run at the same time, each with one thread on a core of its own, so only ratios count. What
takes 15 % more time is measured again with three times the rounds; if it still does, the exit code is 1. Another fault
gives 2. Needs git's history, the .NET SDK, taskset, two cores, and about six minutes. Both share caches and memory, so
that a step which needs more bandwidth slows the other too: its ratio is then too small.

usage: python3 bench/against_reference.py [--commit C] [--rounds N] [--only NAME]
bench/reference names the commit. Move it forward when the code has become faster, so that the gain is kept.
"""
import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ALLOWED = 1.15
HERE = Path(__file__).resolve().parent
RESNET = ["batchSize=16", "moco.queueSize=4096", "encoder.head=mlp", "bnGroups=1"]


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def fail(message):
    print(message, file=sys.stderr)
    sys.exit(2)


def step(recipe, steps, *settings):
    """Milliseconds of a training step with one thread: the median of several in one process."""
    return (
        ["bench", "step", recipe, "--json", "--steps", str(steps), "--set", "threads=1", *settings],
        lambda text, seconds: json.loads(text)["stepMilliseconds"],
    )


def views(recipe, source, images):
    """Seconds of the views of an image on one core."""
    return (
        ["bench", "data", source, "--recipe", recipe, "--images", str(images)],
        lambda text, seconds: 1 / float(re.search(r"one core: (\d+) images/s", text).group(1)),
    )


def processor(*arguments):
    """Seconds that the processor works for a whole command."""
    return list(arguments), lambda text, seconds: seconds


MEASURES = {
    "step of patterns": step("patterns", 30, "batchSize=64"),
    "step of ResNet-18, bf16": step("moco-cifar10-r18", 4, "precision=bf16", *RESNET),
    "step of ResNet-18, fp32": step("moco-cifar10-r18", 4, "precision=fp32", *RESNET),
    "views of patterns": views("patterns", "patterns:1000", 10000),
    "views at 224": views("moco-v2-folder", "patterns:300", 400),
    "start of a command": processor("inspect", "--environment"),
}


def together(measure, sides, cores):
    """The times of all sides, which run beside each other, each on a core of its own: noise then meets them alike."""
    arguments, time = measure
    started = {}
    for (side, moco), core in zip(sides.items(), cores):
        out = tempfile.TemporaryFile("w+")
        started[side] = out, subprocess.Popen(["taskset", "--cpu-list", str(core), *moco, *arguments], stdout=out)
    times = {}
    for side, (out, process) in started.items():
        _, status, usage = os.wait4(process.pid, 0)
        out.seek(0)
        text = out.read()
        if status != 0:
            fail(f"{side}: {' '.join(arguments)} failed:\n{text}")
        times[side] = time(text, usage.ru_utime + usage.ru_stime)
    return times


def ratio(measure, sides, rounds):
    """The median over pairs of rounds of now / reference. The two rounds of a pair change cores."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    ratios = []
    for _ in range(rounds):
        pair = [together(measure, sides, order) for order in (cores, cores[::-1])]
        ratios.append(math.prod(times["now"] / times["reference"] for times in pair) ** 0.5)
    return median(ratios), min(ratios), max(ratios)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commit", default=(HERE / "reference").read_text().strip())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=MEASURES, help="one measure")
    options = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        parser.error("this machine has one core, expected two")
    if options.rounds < 1:
        parser.error(f"--rounds is {options.rounds}, expected a number above 0")

    with tempfile.TemporaryDirectory() as work:
        source = Path(work) / "source"
        run("git", "-C", HERE, "worktree", "add", "--detach", source, options.commit)
        try:
            sides = {}
            for side, root in {"reference": source, "now": HERE.parent}.items():
                run("dotnet", "publish", root / "src/MoCoSharp.Cli", "-c", "Release", "-o", Path(work) / side)
                sides[side] = ["dotnet", Path(work) / side / "moco.dll"]
        finally:
            run("git", "-C", HERE, "worktree", "remove", "--force", source)

        os.chdir(work)
        print(f"time now / at {options.commit[:10]}, median and range of {options.rounds} pairs of rounds", flush=True)
        slower = []
        for name in [options.only] if options.only else MEASURES:
            found = ratio(MEASURES[name], sides, options.rounds)
            if found[0] > ALLOWED:
                print(f"{name:26}{found[0]:6.2f}  ({found[1]:.2f} to {found[2]:.2f}), measured again", flush=True)
                found = ratio(MEASURES[name], sides, 3 * options.rounds)
            print(f"{name:26}{found[0]:6.2f}  ({found[1]:.2f} to {found[2]:.2f})", flush=True)
            if found[0] > ALLOWED:
                slower.append(name)

    if slower:
        sys.exit(f"slower than the reference by more than {ALLOWED - 1:.0%}: {', '.join(slower)}")


main()
