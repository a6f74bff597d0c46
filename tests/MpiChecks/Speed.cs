using System.Diagnostics;
using MoCoSharp.Distributed;
using static TorchSharp.torch;

namespace MoCoSharp.MpiChecks;

/// <summary>How long the calls take, on tensors of the sizes that training sends.</summary>
internal static class Speed
{
    public static void Measure(IProcessGroup group)
    {
        foreach (var count in new[] { 1, 32_768, 1_000_000, 11_000_000 })
        {
            using var values = zeros(count);
            Time($"sum of {count} floats", () => group.AllReduceSum(values));
        }

        using var keys = zeros(256, 128);
        Time("gather of [256, 128]", () => group.AllGather(keys).Dispose());

        void Time(string what, Action action)
        {
            action();
            var times = new List<double>();
            for (var i = 0; i < 15; i++)
            {
                group.Barrier();
                var since = Stopwatch.GetTimestamp();
                action();
                times.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
            }

            if (group.Rank == 0)
            {
                Console.WriteLine(FormattableString.Invariant($"{what}: {times.Order().ElementAt(7):F3} ms"));
            }
        }
    }
}
