// As bench/peers/moco_step.py, on TorchSharp: dotnet TorchSharpPeer.dll MODEL BATCH QUEUE THREADS STEPS
using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using TorchSharpPeer;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

MoCoSharp.TorchRuntime.Configure(); // the settings of glibc and OpenMP that ours gets
MoCoSharp.TorchRuntime.Load();
var (model, batch, queueSize, threads, steps) = (
    args[0], int.Parse(args[1]), int.Parse(args[2]), int.Parse(args[3]),
    int.Parse(args[4]));
set_num_threads(threads);
manual_seed(0);
using var queryNet = new PlainResNet(model, 128);
using var keyNet = new PlainResNet(model, 128);
keyNet.load_state_dict(queryNet.state_dict());
foreach (var parameter in keyNet.parameters())
{
    parameter.requires_grad = false;
}

using var optimizer = optim.SGD(queryNet.parameters(), 0.001, momentum: 0.9, weight_decay: 1e-4);
using var queue = functional.normalize(randn(128, queueSize), dim: 0);
var size = model == "r18-cifar" ? 32 : 224;
using var queryViews = rand(batch, 3, size, size);
using var keyViews = rand(batch, 3, size, size);
const int warmUp = 4;
var seconds = new List<double>();
for (var step = 0; step < warmUp + steps; step++)
{
    using var scope = NewDisposeScope();
    var begin = Stopwatch.GetTimestamp();
    var query = functional.normalize(queryNet.call(queryViews), dim: 1);
    Tensor key;
    using (no_grad())
    {
        OfficialMoCo.MomentumUpdate(keyNet.parameters(), queryNet.parameters(), 0.999);
        var order = randperm(batch);
        key = functional
            .normalize(keyNet.call(keyViews.index_select(0, order)), dim: 1)
            .index_select(0, order.argsort());
    }

    var loss = OfficialMoCo.Loss(query, key, queue, 0.2);
    OfficialMoCo.Enqueue(queue, key, step * batch % queueSize);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    _ = loss.item<float>();
    seconds.Add(Stopwatch.GetElapsedTime(begin).TotalSeconds);
}

using var process = Process.GetCurrentProcess();
var peak = process.PeakWorkingSet64;
double passes;
using (NewDisposeScope())
{
    optimizer.zero_grad();
    var begin = Stopwatch.GetTimestamp();
    queryNet.call(queryViews).sum().backward();
    passes = Stopwatch.GetElapsedTime(begin).TotalSeconds;
}

var measured = seconds.Skip(warmUp).Select(value => value.ToString("F4", CultureInfo.InvariantCulture));
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"{{\"seconds\": [{string.Join(", ", measured)}], \"encoderSeconds\": {passes:F4}, \"peakBytes\": {peak}}}"));
