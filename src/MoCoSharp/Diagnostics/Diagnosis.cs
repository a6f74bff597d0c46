namespace MoCoSharp.Diagnostics;

/// <summary>One thing that is wrong with a run: the evidence, the cause and the cure.</summary>
/// <param name="Id">
/// "collapsed", "temperature", "queue", "shuffle", "learningRate", "images" or "diverged".
/// </param>
/// <param name="Step">The step of the report that it rests on.</param>
/// <param name="Finding">What is wrong, in a sentence.</param>
/// <param name="Evidence">The figures that show it.</param>
/// <param name="Cause">The likely cause.</param>
/// <param name="Cure">What to do.</param>
public sealed record Diagnosis(string Id, long Step, string Finding, string Evidence, string Cause, string Cure)
{
    /// <summary>Finding, evidence, cause and cure, in a line.</summary>
    public override string ToString() => $"{Finding} {Evidence} {Cause} {Cure}";
}
