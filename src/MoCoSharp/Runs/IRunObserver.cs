namespace MoCoSharp.Runs;

/// <summary>Told of a run's progress, whatever is trained. A method that is not implemented does nothing.</summary>
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

    /// <summary>Something that a user should know. The run goes on.</summary>
    /// <param name="message">One or more sentences.</param>
    void Warned(string message)
    {
    }
}
