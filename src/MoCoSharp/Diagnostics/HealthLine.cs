using System.Globalization;
using System.Text.Json.Nodes;
using MoCoSharp.Optimization;

namespace MoCoSharp.Diagnostics;

/// <summary>A report that has figures, as it stands in metrics.jsonl.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Epoch">From 1.</param>
/// <param name="Loss">Mean since the report before.</param>
/// <param name="ContrastAccuracy">0 to 1.</param>
/// <param name="LearningRate">Of this step.</param>
/// <param name="Figures">The figures.</param>
public sealed record HealthLine(
    long Step, int Epoch, double Loss, double ContrastAccuracy, double LearningRate, HealthFigures Figures)
{
    /// <summary>From a line of metrics.jsonl; null where it has no figures.</summary>
    public static HealthLine? From(JsonObject line)
    {
        ArgumentNullException.ThrowIfNull(line);
        return line["health"] is JsonObject figures
            ? new(
                (long)Number("step"), (int)Number("epoch"), Number("loss"), Number("contrastAccuracy"),
                Number("learningRate"),
                HealthFigures.FromJson(figures))
            : null;

        double Number(string key) =>
            line[key] is JsonValue value
            && double.TryParse(value.ToJsonString(), CultureInfo.InvariantCulture, out var number)
                ? number
                : 0;
    }
}
