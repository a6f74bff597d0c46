using MoCoSharp.Data.Loading;

namespace MoCoSharp.ViewsBenchmark;

/// <summary>One of the two sides on one set.</summary>
internal sealed class Side(string set, string how, int images)
{
    public string Set => set;

    public string How => how;

    public string? Version { get; init; }

    public List<double> Rates { get; } = [];

    public double Median => Rates.Order().ElementAt(Rates.Count / 2);

    public double? Garbage { get; set; }

    public StageTimes? Times { get; set; }

    /// <summary>Seconds for all images.</summary>
    public Func<double> Measure { get; set; } = () => 0;

    public Action End { get; set; } = () => { };

    public void Run() => Rates.Add(images / Measure());
}
