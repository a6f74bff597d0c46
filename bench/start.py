#!/usr/bin/env python3
"""How long moco takes to start: from the command to the first finished step, and for a folder of a million files.

Programs take turns in every round, and a round's times are compared with one another: the machine may be faster in the
next. Prints the medians. The million files are hard links to PHOTOS, in a folder beside it that is removed at the end.

usage: python3 bench/start.py PHOTOS NAME=MOCO.DLL [NAME=MOCO.DLL ...] [--files N] [--rounds N]
example: dotnet publish src/MoCoSharp.Cli -c Release -o new; python3 bench/start.py imagenette/train new=new/moco.dll
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

PER_FOLDER = 10_000
NARROW = "--steps 1 --set encoder.width=16 encoder.depth=18 views.size=64 batchSize=64 moco.queueSize=1024 knn.everyEpochs=0"


def sources_in(photos):
    return sorted(path for path in photos.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))


def link(photos, folder, files):
    sources = sources_in(photos)
    for i in range(files):
        into = folder / f"class{i // PER_FOLDER:03}"
        if i % PER_FOLDER == 0:
            into.mkdir(parents=True)
        os.link(sources[i % len(sources)], into / f"{i:07}{sources[i % len(sources)].suffix}")


def measure(dll, arguments, marks, expected):
    """Seconds until a line begins with each mark, seconds in all, and the peak of memory in MB."""
    began = time.monotonic()
    process = subprocess.Popen(
        ["dotnet", str(dll), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen, lines = {}, []
    for line in process.stdout:
        lines.append(line)
        for mark in marks:
            if line.startswith(mark):
                seen.setdefault(mark, time.monotonic() - began)
    _, status, usage = os.wait4(process.pid, 0)
    if any(mark not in seen for mark in marks) or os.waitstatus_to_exitcode(status) != expected:
        sys.exit("".join(lines))
    return [seen[mark] for mark in marks] + [time.monotonic() - began, usage.ru_maxrss / 1000]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("programs", nargs="+", metavar="NAME=MOCO.DLL")
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    programs = dict(program.partition("=")[::2] for program in options.programs)
    missing = [f"{name}={dll}" for name, dll in programs.items() if not Path(dll).is_file()]
    if missing or not sources_in(options.photos):
        parser.error(f"expected NAME=MOCO.DLL of a published program, found {' '.join(missing)}" if missing
                     else f"{options.photos}: no JPEG or PNG files here, expected a folder of photos")
    work = Path(tempfile.mkdtemp(dir=options.photos.resolve().parent, prefix="start-"))
    try:
        few, many = work / "few", work / "many"
        link(options.photos, few, 64)
        link(options.photos, many, options.files)
        cases = {
            "`moco --version`": (["--version"], [], 0),
            "a refusal (`--data` names nothing)": (["pretrain", "--data", "nothing-there"], [], 2),
            "64 photos": (["pretrain", "moco-v2-folder", "--data", few, *NARROW.split()], [f"{work}/run:", "epoch 1"], 0),
            f"{options.files:,} files": (
                ["pretrain", "moco-v2-folder", "--data", many, *NARROW.split()], [f"{work}/run:", "epoch 1"], 0),
        }
        figures = {(case, name): [] for case in cases for name in programs}
        for _ in range(options.rounds):
            for case, (arguments, marks, code) in cases.items():
                for name, dll in programs.items():
                    shutil.rmtree(work / "run", ignore_errors=True)
                    whole = [*map(str, arguments), *(["--run", f"{work}/run"] if marks else [])]
                    figures[case, name].append(measure(dll, whole, marks, code))
        print("| | program | ready, s | first step ends, s | command ends, s | peak memory, MB |\n|---|---|---|---|---|---|")
        for (case, name), rounds in figures.items():
            *times, memory = [median(column) for column in zip(*rounds)]
            shown = [""] * (3 - len(times)) + [f"{value:.2f}" for value in times]
            print(f"| {case} | {name} | {' | '.join(shown)} | {memory:.0f} |")
    finally:
        shutil.rmtree(work)


main()
