namespace MoCoSharp.Diagnostics;

/// <summary>A problem of a run, with evidence, cause and cure.</summary>
/// <param name="Id">"collapsed", "temperature", "queue", "shuffle", "learningRate", "images" or "diverged".</param>
/// <param name="Step">The step of the report that shows the problem.</param>
/// <param name="Finding">The problem, in a sentence.</param>
/// <param name="Evidence">The figures that show it.</param>
/// <param name="Cause">The likely cause.</param>
/// <param name="Cure">What to do.</param>
public sealed record Diagnosis(string Id, long Step, string Finding, string Evidence, string Cause, string Cure)
{
    /// <summary>Finding, evidence, cause and cure, on one line.</summary>
    public override string ToString() => $"{Finding} {Evidence} {Cause} {Cure}";
}
