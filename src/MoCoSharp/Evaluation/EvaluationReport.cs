using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Features;

namespace MoCoSharp.Evaluation;

/// <summary>The complete result of an evaluation: the protocol, the scores, and the written files.</summary>
public sealed record EvaluationReport
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private readonly JsonObject _json;

    internal EvaluationReport(string evaluation, string protocol, ClassificationScores scores, JsonObject json)
    {
        (Evaluation, Protocol, Scores, _json) = (evaluation, protocol, scores, json);
    }

    /// <summary>"knn", "linear", "linear-cached", "finetune" or "scratch".</summary>
    public string Evaluation { get; }

    /// <summary>The complete protocol. Scores of different protocols are not comparable.</summary>
    public string Protocol { get; }

    /// <summary>The scores on the test images. For evaluations that train, the scores after the last epoch.</summary>
    public ClassificationScores Scores { get; }

    /// <summary>The scores of every epoch; empty for evaluations without epochs.</summary>
    public IReadOnlyList<EpochScores> Epochs { get; init; } = [];

    /// <summary>
    /// The epoch with the highest top-1; the first if several are equal; null without epochs. The official script
    /// reports it, although the test images choose it.
    /// </summary>
    public EpochScores? Best => Epochs.Count == 0 ? null : Epochs.MaxBy(epoch => epoch.Top1);

    /// <summary>A clause that says why the last epoch is not reliable; null if there is no problem.</summary>
    public string? Warning { get; init; }

    /// <summary>The learning rate chosen by linear classification on cached features; otherwise null.</summary>
    public double? LearningRate { get; init; }

    /// <summary>
    /// For linear classification on cached features: the optimum of logistic regression, a reference for a linear
    /// classifier; otherwise null. Top1 is a share, 0 to 1; C is the weight of the data against the penalty, chosen on
    /// held-out training images; Converged says whether L-BFGS reached its tolerance.
    /// </summary>
    public (double Top1, double C, bool Converged)? Optimum { get; init; }

    /// <summary>For kNN: the classes of queries that have no image in the bank.</summary>
    public IReadOnlyList<string> MissingClasses { get; init; } = [];

    /// <summary>The report file; null if none was written.</summary>
    public string? Path { get; init; }

    /// <summary>The picture of the confusion matrix; null if none was written.</summary>
    public string? PicturePath { get; init; }

    /// <summary>The trained classifier, for <c>TrainedEncoder.Load</c>; null if none was written.</summary>
    public string? ClassifierPath { get; init; }

    /// <summary>The files that could not be written, each with the reason, such as a full disk.</summary>
    public IReadOnlyList<string> Unwritten { get; init; } = [];

    /// <summary>Writes the report as indented JSON, the content of evaluations/*.json in a run folder.</summary>
    public string ToJson() => _json.ToJsonString(Indented);
}
