namespace MoCoSharp.Runs;

/// <summary>Receives the progress of any kind of training run. The default implementations do nothing.</summary>
public interface IRunObserver
{
    /// <summary>A step is done.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="totalSteps">Steps of the whole run.</param>
    void Stepped(long step, long totalSteps)
    {
    }

    /// <summary>A checkpoint is on the disk.</summary>
    /// <param name="path">The checkpoint.</param>
    void Saved(string path)
    {
    }

    /// <summary>A warning for the user. The run continues.</summary>
    /// <param name="message">One or more sentences.</param>
    void Warned(string message)
    {
    }
}
