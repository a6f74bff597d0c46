#!/usr/bin/env bash
# Runs the Windows program under Wine (apt-get install wine64): trains a little, as here, compares the losses, and resumes that run here.
# Needs some minutes. Not part of CI: Wine 8 of Debian 12 sometimes ends .NET by "Internal CLR error", which Windows does not.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wine=$(PATH="$PATH:/usr/lib/wine" command -v wine64 || true)
if [ -z "$wine" ]; then
    echo "eng/try-windows.sh: there is no wine64: apt-get install wine64" >&2
    exit 2
fi

dotnet publish src/MoCoSharp.Cli -c Release -r win-x64 --self-contained -o "$work/windows"
dotnet publish src/MoCoSharp.Cli -c Release -o "$work/here"
du -sh "$work/windows"
settings=(threads=2 precision=fp32 knn.everyEpochs=0 logEvery=20)
(
    # Wine cannot map memory twice, and has no groups of processors.
    export WINEDEBUG=-all WINEPREFIX="$work/prefix" DOTNET_EnableWriteXorExecute=0 KMP_AFFINITY=disabled
    cd "$work"
    "$wine" windows/moco.exe inspect --environment
    "$wine" windows/moco.exe pretrain patterns --steps 60 --run windows-run --set "${settings[@]}"
    "$wine" windows/moco.exe knn windows-run
    PATH="$PATH:/usr/lib/wine" wineserver -k -w || true # it writes its folder to the end
)
cd "$work"
dotnet here/moco.dll pretrain patterns --steps 60 --run run --set "${settings[@]}"
dotnet here/moco.dll pretrain --resume --run windows-run --steps 80
losses() { grep -o '"loss":[0-9.]*' "$1/metrics.jsonl" | head -n 4 | cut -d: -f2; }
echo "losses of steps 1, 20, 40 and 60, under Wine and here:"
paste <(losses windows-run) <(losses run)
paste <(losses windows-run) <(losses run) | awk '{ d = $1 / $2 - 1; if (d < -0.02 || d > 0.02) exit 1 } END { if (NR != 4) exit 1 }'
