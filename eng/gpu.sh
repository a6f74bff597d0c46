#!/usr/bin/env bash
# Tries MoCoSharp on a GPU.
#
#   eng/gpu.sh pack FOLDER [PHOTOS]   on any machine: publishes the program and its tests without libtorch, and packs them into FOLDER
#                                     (about 53 MB), with a folder of labeled images (train/CLASS, test/CLASS)
#   eng/gpu.sh run FOLDER OUT         on a machine with a GPU and Python's torch: unpacks, and runs the steps below. Each has a time limit; what it
#                                     prints goes to OUT/NAME.log, and one line with its exit status and seconds to OUT/summary.txt
#
# The GPU machine needs neither .NET nor a package: libtorch is that of the installed PyTorch.
# APP=FOLDER unpacks there, and takes what is there already. EPOCHS is the length of the CIFAR run. ONLY="load golden" runs these steps alone.
# DEVICE=cpu and MOCOSHARP_LIBTORCH=FOLDER try the script itself without a GPU.
set -euo pipefail

pack() {
    local folder
    folder=$(realpath -m "$1")
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$folder"
    cd "$(dirname "$0")/.."
    # Cli last: its moco.runtimeconfig.json is what the program reads.
    for project in tests/MoCoSharp.Tests src/MoCoSharp.Cli; do
        dotnet publish "$project" -c Release -r linux-x64 --self-contained -p:WithoutLibtorch=true -p:DebugType=none -p:PublishReadyToRun=false \
            -p:CreateHardLinksForPublishFilesIfPossible=false -o "$work/app"
    done
    cp bench/peers/moco_step_strong.py "$work/app"
    # Neither debugger support nor files for Windows.
    (cd "$work/app" && rm -f libmscord*.so libclrgc*.so libcoreclrtraceptprovider.so onnxruntime.dll ./*.pdb ./*.xml)
    tar -C "$work/app" -c . | xz -T0 > "$folder/app.tar.xz"
    cp eng/gpu.sh "$folder"
    if [ $# -gt 1 ]; then
        tar -C "$2" -cz . > "$folder/photos.tar.gz"
    fi
    du -sh "$folder"/*
}

# step NAME SECONDS COMMAND...: runs a command with a time limit.
step() {
    local name=$1 limit=$2 began=$SECONDS status=0
    shift 2
    case " ${ONLY:-$name} " in *" $name "*) ;; *) return ;; esac
    timeout -k 5 "$limit" "$@" > "$out/$name.log" 2>&1 || status=$?
    echo "$name: exit $status after $((SECONDS - began)) s" | tee -a "$out/summary.txt"
}

run() {
    local here app torch
    here=$(realpath "$1")
    out=$(realpath -m "$2")
    mkdir -p "$out"
    app=${APP:-$(mktemp -d)}
    if [ ! -x "$app/moco" ]; then
        mkdir -p "$app"
        tar -C "$app" -xJf "$here/app.tar.xz"
    fi
    export DEVICE=${DEVICE:-cuda}
    export MOCOSHARP_LIBTORCH=${MOCOSHARP_LIBTORCH:-$(python3 -c "import torch; print(torch.__path__[0] + '/lib')")} MOCOSHARP_TEST_DEVICE=$DEVICE
    cd "$app"

    step load 60 ./moco inspect --environment
    step golden 120 ./MoCoSharp.Tests -class "*MoCoGoldenTests" -class "*MethodGoldenTests"
    step gpu-tests 120 ./MoCoSharp.Tests -class "*GpuTests"
    step methods 120 bash -c 'methods'
    step memory 120 bash -c 'memory'
    step bench 300 bash -c 'bench'
    step two-processes 90 bash -c 'two_processes'
    if [ -f "$here/photos.tar.gz" ]; then
        mkdir -p photos
        tar -C photos -xzf "$here/photos.tar.gz"
        step cifar 240 bash -c 'cifar'
    fi
    step export 90 bash -c 'export_'
}

# Two steps of every method, in both precisions.
methods() {
    local failed=0
    for precision in fp32 bf16; do
        for method in "moco.symmetric=true" "moco.queuePrecision=bf16" "moco=null simClr.temperature=0.2" \
            "moco=null simClr.gradientCache=true" "moco=null endToEnd.temperature=0.2" "moco=null memoryBank.negatives=64" \
            "moco=null memoryBank.negatives=64 memoryBank.loss=nce" "moco=null supervised.classes=10" "optimizer.kind=lars" \
            "encoder.recompute=true" "norm=batch"; do
            # shellcheck disable=SC2086 # several settings
            ./moco pretrain --run "runs/$RANDOM$RANDOM" --data patterns:512 --steps 2 --device $DEVICE --set precision=$precision knn.everyEpochs=0 $method \
                > last.log 2>&1 && echo "$precision $method: $(grep -o 'loss [0-9.]*' last.log | head -n 1)" \
                || { failed=1; echo "$precision $method: FAILED"; cat last.log; }
        done
    done
    return $failed
}

# Memory in use on the GPU while 500 steps run.
memory() {
    ./moco pretrain --run runs/memory --data patterns:4096 --steps 500 --device $DEVICE --set knn.everyEpochs=0 epochs=16 &
    local training=$!
    while kill -0 $training 2> /dev/null; do
        nvidia-smi --query-gpu=timestamp,memory.used,utilization.gpu --format=csv,noheader
        sleep 2
    done
    wait $training
}

# A step of ours beside one of Python's PyTorch, twice each, in turn.
bench() {
    set -e
    for round in 1 2; do
        for precision in fp32 bf16; do
            echo "round $round"
            python3 moco_step_strong.py --model r18-cifar --batch 256 --queue 4096 --precision $precision
            ./moco bench step moco-cifar10-r18 --steps 30 --json --set device=$DEVICE batchSize=256 moco.queueSize=4096 encoder.head=mlp bnGroups=8 precision=$precision
            python3 moco_step_strong.py --model r50 --batch 128 --queue 65536 --groups 4 --precision $precision
            ./moco bench step moco-v2-imagenet-r50 --steps 30 --json --set device=$DEVICE batchSize=128 moco.queueSize=65536 bnGroups=4 precision=$precision
        done
    done
}

two_processes() {
    set -e
    mpirun --allow-run-as-root --oversubscribe -n 2 ./moco pretrain --run runs/two --data patterns:1024 --steps 20 --device $DEVICE --set knn.everyEpochs=0 precision=fp32
    ./moco pretrain --run runs/one --data patterns:1024 --steps 20 --device $DEVICE --set knn.everyEpochs=0 precision=fp32
}

cifar() {
    ./moco pretrain moco-cifar10-r18 --run runs/cifar --data photos --device $DEVICE --set batchSize=256 encoder.head=mlp epochs="${EPOCHS:-20}"
}

export_() {
    local run=runs/cifar
    [ -d $run ] || run=runs/memory
    ./moco knn $run && ./moco linear $run --fast && ./moco embed $run --data patterns:2000 -o features.npy
    ./moco export $run --format onnx -o encoder.onnx && python3 - << 'END'
import numpy, onnxruntime
session = onnxruntime.InferenceSession("encoder.onnx")
size = session.get_inputs()[0].shape[-1]
size = size if isinstance(size, int) else 32
print([output.shape for output in session.run(None, {session.get_inputs()[0].name: numpy.random.rand(2, 3, size, size).astype("float32")})])
END
}

export -f methods memory bench two_processes cifar export_
case "${1:-}" in
    pack) shift; pack "$@" ;;
    run) shift; run "$@" ;;
    *) sed -n '2,/^set/p' "$0" | sed '$d'; exit 2 ;;
esac
