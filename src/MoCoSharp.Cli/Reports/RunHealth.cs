using MoCoSharp.Diagnostics;
using MoCoSharp.Report.RunReports;

namespace MoCoSharp.Cli.Reports;

/// <summary>Turns the diagnosis of a run into a part of its report.</summary>
internal static class RunHealth
{
    /// <summary>What moco doctor prints.</summary>
    public static HealthList From(RunDiagnosis diagnosis)
    {
        var conclusion = !diagnosis.IsSound ? null
            : diagnosis.Latest is null ? "No figures yet."
            : diagnosis.NotYetLearned is { } notYet ? $"No problem found, but {notYet}"
            : "No problem found.";
        List<string> notes =
        [
            .. diagnosis.Checkpoints
                .Where(checkpoint => checkpoint.Fault is not null)
                .Select(checkpoint => $"{checkpoint.Name} is broken: {checkpoint.Fault}"),
            .. diagnosis.LeftOut is { } leftOut ? [$"{leftOut}."] : Array.Empty<string>(),
            .. diagnosis.Earlier.Select(problem =>
                $"Earlier, at step {problem.Step}: {problem.Finding} {problem.Evidence}"),
        ];
        return new HealthList(
            [
                .. diagnosis.Diagnoses.Select(problem => new HealthProblem(
                    problem.Finding, problem.Step, problem.Evidence, problem.Cause, problem.Cure)),
            ],
            conclusion, notes,
            [.. diagnosis.Figures.Select(figure => (figure.Name, figure.Value, figure.Meaning))]);
    }
}
