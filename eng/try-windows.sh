#!/usr/bin/env bash
# Builds for Windows, and runs that under Wine 10: the tests of the library, and the program, whose losses are compared with those here.
# Usage: eng/try-windows.sh [--short]; --short leaves out the tests with libtorch, which take seven minutes, and trains less.
# The Wine of Debian 12 is too old: .NET hangs in it. So Debian 13's is put into a folder (1.1 GB on disk), which needs root and
# mmdebstrap; elsewhere it skips. MOCO_WINE_ROOT names that folder, and keeps it for the next time.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
case "${1:-}" in
    '') short=false ;;
    --short) short=true ;;
    *) echo "eng/try-windows.sh: expected --short or nothing; found: $*" >&2; exit 2 ;;
esac
. eng/needs.sh mmdebstrap

work=$(mktemp -d)
root=$(realpath -m "${MOCO_WINE_ROOT:-$work/root}")
trap 'rm -rf "$work" || true' EXIT
[ -e "$root/usr/lib/wine/wine64" ] || mmdebstrap --quiet --variant=minbase --include=wine64 trixie "$root"
packages=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')

# wine64 PROGRAM ARGUMENT...: in the folder of Debian 13, where this repository, its packages and the work are seen under their own names.
# DOTNET_EnableWriteXorExecute=0: Wine cannot map memory twice. KMP_AFFINITY: it has no groups of processors. DOTNET_EnableAVX512=0: it
# loses the registers of AVX-512 when .NET stops a thread. ONEDNN_MAX_CPU_ISA: it does not ask Linux for AMX.
wine64() {
    local folder seen=("$repository" "$work" "$packages")
    [ -d "$repository/../shared" ] && seen+=("$(realpath "$repository/../shared")")
    for folder in "${seen[@]}"; do mkdir -p "$root$folder"; done
    unshare --mount bash -ec '
        root=$1; here=$2; prefix=$3; shift 3
        while [ "$1" != -- ]; do mount --rbind "$1" "$root$1"; shift; done; shift
        mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"
        exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/bin:/bin:/usr/lib/wine WINEDEBUG=-all WINEPREFIX="$prefix" \
            DOTNET_EnableWriteXorExecute=0 KMP_AFFINITY=disabled DOTNET_EnableAVX512=0 ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 \
            sh -c "cd \"\$0\" && exec \"\$@\"" "$here" "$@"' bash "$root" "$PWD" "$work/prefix" "${seen[@]}" -- "$@"
}

publish() { # PROJECT FOLDER: source files are named as Windows sees them, on drive Z
    dotnet publish "$1" -c Release -r win-x64 --self-contained -o "$work/$2" -p:CreateHardLinksForPublishFilesIfPossible=true \
        "-p:PathMap=$repository=Z:$repository"
}

status=0
# MoCoSharp.Cli.Tests asks shells and tools of Linux in many places: of it, only the tests for Windows run.
run_tests() { # PROJECT ARGUMENT...
    publish "tests/$1" tests
    (cd "$work/tests" && wine64 wine64 "$1.exe" -noColor "${@:2}" > "$work/log") || status=1
    grep -A 9 '\[FAIL\]' "$work/log" || true
    grep "  $1  Total: [1-9]" "$work/log" || { tail -n 20 "$work/log"; status=1; }
    rm -rf "$work/tests"
}
run_tests MoCoSharp.Data.Tests
if ! $short; then
    run_tests MoCoSharp.Tests
    run_tests MoCoSharp.Cli.Tests -class '*WindowsTests'
fi

# The program trains as here, and its run goes on here.
publish src/MoCoSharp.Cli windows
dotnet publish src/MoCoSharp.Cli -c Release -o "$work/here" -p:CreateHardLinksForPublishFilesIfPossible=true
du -sh "$work/windows"
steps=60
$short && steps=20
settings=(threads=2 precision=fp32 knn.everyEpochs=0 logEvery=20)
cd "$work"
wine64 wine64 windows/moco.exe inspect --environment
wine64 wine64 windows/moco.exe pretrain patterns --steps $steps --run windows-run --set "${settings[@]}"
wine64 wine64 windows/moco.exe knn windows-run
dotnet here/moco.dll pretrain patterns --steps $steps --run run --set "${settings[@]}"
dotnet here/moco.dll pretrain --resume --run windows-run --steps $((steps + 20))
losses() { grep -o '"loss":[0-9.]*' "$1/metrics.jsonl" | head -n $((1 + steps / 20)) | cut -d: -f2; }

# Ctrl-C, which Wine makes of SIGINT, saves and exits with 75. Ctrl-Break, a closed window and a shutdown end a program of Wine at once.
wine64 wine64 windows/moco.exe pretrain patterns --run stopped --set "${settings[@]}" logEvery=1 > log &
program=$!
for _ in $(seq 120); do grep -q 'step 3/' log || ! kill -0 $program 2>/dev/null && break; sleep 1; done
pkill -INT -f "^windows/moco.exe pretrain patterns --run stopped" || true
code=0
wait $program || code=$?
tail -n 1 log
[ $code = 75 ] || { cat log; echo "Ctrl-C: exit code $code, expected 75"; status=1; }

echo "losses of steps 1, 20 and so on, under Wine and here:"
paste <(losses windows-run) <(losses run)
paste <(losses windows-run) <(losses run) | awk -v n=$((1 + steps / 20)) '{ d = $1 / $2 - 1; if (d < -0.02 || d > 0.02) exit 1 } END { if (NR != n) exit 1 }' ||
    status=1
exit $status
