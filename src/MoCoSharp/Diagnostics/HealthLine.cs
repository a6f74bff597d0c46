using System.Globalization;
using System.Text.Json.Nodes;
using MoCoSharp.Optimization;

namespace MoCoSharp.Diagnostics;

/// <summary>A line of metrics.jsonl with health figures.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Epoch">From 1.</param>
/// <param name="Loss">The mean since the last report.</param>
/// <param name="ContrastAccuracy">0 to 1.</param>
/// <param name="LearningRate">The learning rate of this step.</param>
/// <param name="Figures">The figures.</param>
internal sealed record HealthLine(
    long Step, int Epoch, double Loss, double ContrastAccuracy, double LearningRate, HealthFigures Figures)
{
    /// <summary>Reads a line of metrics.jsonl; null if it has no figures.</summary>
    public static HealthLine? From(JsonObject line)
    {
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
