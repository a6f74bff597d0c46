namespace MoCoSharp.Report.RunReports;

/// <summary>The health of a run, as moco doctor prints it.</summary>
/// <param name="Problems">What is wrong now.</param>
/// <param name="Conclusion">A sentence, such as "no problem found."; null if there are problems.</param>
/// <param name="Notes">Earlier problems, broken checkpoints, images that were left out; a sentence each.</param>
/// <param name="Figures">The latest value of each figure, and its meaning.</param>
internal sealed record HealthList(
    IReadOnlyList<HealthProblem> Problems, string? Conclusion, IReadOnlyList<string> Notes,
    IReadOnlyList<(string Name, double Value, string Meaning)> Figures);

/// <summary>A problem of a run.</summary>
/// <param name="Finding">The problem, in a sentence.</param>
/// <param name="Step">The step of the report that shows it.</param>
/// <param name="Evidence">The figures that show it.</param>
/// <param name="Cause">The likely cause.</param>
/// <param name="Cure">What to do.</param>
internal sealed record HealthProblem(string Finding, long Step, string Evidence, string Cause, string Cure);
