namespace MoCoSharp.Runs;

/// <summary>How a run ended.</summary>
public enum RunEnd
{
    /// <summary>All steps are done.</summary>
    Finished,

    /// <summary>The requested number of steps is done.</summary>
    StepLimit,

    /// <summary>A user stopped the run. Its state is saved.</summary>
    Stopped,
}
