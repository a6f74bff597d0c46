using MoCoSharp;
using MoCoSharp.Distributed;
using MoCoSharp.MpiChecks;
using static TorchSharp.torch;

// What several real processes do together: tests start this under mpirun, once for many checks, and read a line for
// each.
TorchRuntime.Configure();
using var group = Launcher
    .Detect(Environment.GetEnvironmentVariable)
    .Join(rank => Console.Error.WriteLine($"process {rank} is lost"));
set_num_threads(1);
if (args is ["speed"])
{
    Speed.Measure(group);
    return 0;
}

var failures = 0;
foreach (var (name, check) in Checks.All.Where(item => args.Length == 0 || args.Contains(item.Name)))
{
    var fault = "";
    try
    {
        check(group);
    }
    catch (CheckException error)
    {
        fault = error.Message;
    }

    var faults = GroupText.Gather(group, fault);
    if (group.Rank == 0)
    {
        var told = faults
            .Select((text, rank) => (text, rank))
            .Where(item => item.text.Length > 0)
            .Select(item => $"rank {item.rank}: {item.text}")
            .ToList();
        Console.WriteLine($"{name}: {(told.Count == 0 ? "ok" : string.Join(" | ", told))}");
        failures += told.Count;
    }
}

return failures == 0 ? 0 : 1;
