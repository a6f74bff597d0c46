namespace MoCoSharp.Report.RunReports;

/// <summary>A part of a report that is left out if its data are missing.</summary>
internal enum ReportPart
{
    /// <summary>The curves of the metrics.</summary>
    Curves,

    /// <summary>Queries and their nearest neighbors, at several checkpoints.</summary>
    Neighbors,

    /// <summary>The map of the features.</summary>
    Map,

    /// <summary>The sample views.</summary>
    Views,

    /// <summary>Groups of images with similar features.</summary>
    Clusters,

    /// <summary>Images with almost the same features.</summary>
    Duplicates,

    /// <summary>The evaluations with labels.</summary>
    Evaluations,

    /// <summary>Wrong answers of nearest neighbors.</summary>
    Mistakes,

    /// <summary>The health of the run.</summary>
    Health,
}

/// <summary>What the page of a run shows. A part that is null or empty is left out.</summary>
internal sealed record RunReport
{
    /// <summary>The name of the run.</summary>
    public required string Name { get; init; }

    /// <summary>The conclusion, the most important sentence first; not empty.</summary>
    public required IReadOnlyList<string> Verdict { get; init; }

    /// <summary>The charts of the metrics, from top to bottom.</summary>
    public IReadOnlyList<Chart> Charts { get; init; } = [];

    /// <summary>The title of the horizontal axis of all charts.</summary>
    public string StepTitle { get; init; } = "step";

    /// <summary>Queries and their nearest neighbors.</summary>
    public NeighborHistory? Neighbors { get; init; }

    /// <summary>The map of the features.</summary>
    public FeaturePlot? Map { get; init; }

    /// <summary>The sample views: a data URI, and its width in pixels.</summary>
    public (string Uri, int Width)? Views { get; init; }

    /// <summary>Groups of images with similar features.</summary>
    public ClusterList? Clusters { get; init; }

    /// <summary>Images with almost the same features.</summary>
    public ClosePairs? Duplicates { get; init; }

    /// <summary>Wrong answers of nearest neighbors.</summary>
    public MistakeList? Mistakes { get; init; }

    /// <summary>The images of clusters, duplicates and mistakes; null if there are none of these parts.</summary>
    public PictureSheet? Pictures { get; init; }

    /// <summary>The evaluations.</summary>
    public EvaluationList? Evaluations { get; init; }

    /// <summary>What a page that a server keeps up to date needs; null for a page in a file.</summary>
    public LivePage? Live { get; init; }

    /// <summary>The health of the run.</summary>
    public HealthList? Health { get; init; }

    /// <summary>The command, versions and the machine: a name and a value each.</summary>
    public IReadOnlyList<(string Name, string Value)> Facts { get; init; } = [];

    /// <summary>The configuration, as indented JSON.</summary>
    public string Configuration { get; init; } = "";

    /// <summary>Why a part is left out, in a sentence.</summary>
    public IReadOnlyDictionary<ReportPart, string> LeftOut { get; init; } = new Dictionary<ReportPart, string>();

    /// <summary>This report, with the parts of another that need features of images.</summary>
    /// <param name="other">The other report of the same run.</param>
    public RunReport WithImagesOf(RunReport other) => this with
    {
        Neighbors = other.Neighbors,
        Map = other.Map,
        Clusters = other.Clusters,
        Duplicates = other.Duplicates,
        Mistakes = other.Mistakes,
        Pictures = other.Pictures,
        LeftOut = LeftOut.Where(part => !OfImages.Contains(part.Key)).Concat(other.LeftOut).ToDictionary(),
    };

    /// <summary>The parts that need features of images.</summary>
    public static IReadOnlyList<ReportPart> OfImages { get; } =
    [
        ReportPart.Neighbors, ReportPart.Map, ReportPart.Clusters, ReportPart.Duplicates, ReportPart.Mistakes,
    ];
}
