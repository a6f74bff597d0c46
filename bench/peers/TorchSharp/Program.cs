// As bench/peers/moco_step.py, on TorchSharp: dotnet TorchSharpPeer.dll MODEL BATCH QUEUE THREADS STEPS [PRECISION]
// Without PRECISION, the official algorithm; with bf16 or fp32, as a careful user writes it.
using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using TorchSharpPeer;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

const double Momentum = 0.999, Temperature = 0.2;
const int WarmUp = 4;

MoCoSharp.TorchRuntime.Configure(); // the settings of glibc and OpenMP that ours gets
MoCoSharp.TorchRuntime.Load();
var (model, batch, queueSize, threads, steps) = (
    args[0], int.Parse(args[1]), int.Parse(args[2]), int.Parse(args[3]),
    int.Parse(args[4]));
ScalarType? precision = args.ElementAtOrDefault(5) switch
{
    null => null,
    "bf16" => bfloat16,
    "fp32" => float32,
    var other => throw new ArgumentException($"precision is {other}, expected bf16 or fp32."),
};
set_num_threads(threads);
manual_seed(0);
using var queryNet = Network();
using var keyNet = Network();
keyNet.load_state_dict(queryNet.state_dict());
foreach (var parameter in keyNet.parameters())
{
    parameter.requires_grad = false;
}

using var optimizer = precision is null
    ? optim.SGD(queryNet.parameters(), 0.001, momentum: 0.9, weight_decay: 1e-4)
    : null;
var strong = precision is null ? null : new StrongMoCo(queryNet.parameters());
using var queue = functional.normalize(randn(128, queueSize), dim: 0).to(precision ?? float32);
var size = model == "r18-cifar" ? 32 : 224;
using var queryViews = rand(batch, 3, size, size);
using var keyViews = rand(batch, 3, size, size);
var seconds = new List<double>();
for (var step = 0; step < WarmUp + steps; step++)
{
    using var scope = NewDisposeScope();
    var begin = Stopwatch.GetTimestamp();
    var query = functional.normalize(queryNet.call(queryViews), dim: 1);
    Tensor key;
    using (no_grad())
    {
        Update();
        var order = randperm(batch);
        key = functional
            .normalize(keyNet.call(keyViews.index_select(0, order)), dim: 1)
            .index_select(0, order.argsort());
    }

    var loss = precision is null
        ? OfficialMoCo.Loss(query, key, queue, Temperature)
        : StrongMoCo.Loss(query, key, queue, Temperature);
    queryNet.zero_grad();
    loss.backward();
    OfficialMoCo.Enqueue(queue, key, step * batch % queueSize); // not before: the backward pass reads the queue
    optimizer?.step();
    strong?.Step(0.001, 0.9, 1e-4);

    _ = loss.item<float>();
    seconds.Add(Stopwatch.GetElapsedTime(begin).TotalSeconds);
}

using var process = Process.GetCurrentProcess();
var peak = process.PeakWorkingSet64;
double passes;
using (NewDisposeScope())
{
    queryNet.zero_grad();
    var begin = Stopwatch.GetTimestamp();
    queryNet.call(queryViews).sum().backward();
    passes = Stopwatch.GetElapsedTime(begin).TotalSeconds;
}

var measured = seconds.Skip(WarmUp).Select(value => value.ToString("F4", CultureInfo.InvariantCulture));
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"{{\"seconds\": [{string.Join(", ", measured)}], \"encoderSeconds\": {passes:F4}, \"peakBytes\": {peak}}}"));

Module<Tensor, Tensor> Network() =>
    precision is { } type ? new StrongResNet(model, 128, type) : new PlainResNet(model, 128);

void Update()
{
    if (precision is null)
    {
        OfficialMoCo.MomentumUpdate(keyNet.parameters(), queryNet.parameters(), Momentum);
    }
    else
    {
        StrongMoCo.MomentumUpdate(keyNet.parameters(), queryNet.parameters(), Momentum);
    }
}
