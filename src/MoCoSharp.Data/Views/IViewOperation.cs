namespace MoCoSharp.Data.Views;

/// <summary>
/// One step of a view. Drawing the parameters and applying them are apart, so that each can be looked at alone.
/// </summary>
public interface IViewOperation
{
    /// <summary>Draws this step's parameters and applies them.</summary>
    /// <param name="canvas">The view so far; its size may change.</param>
    /// <param name="random">The view's own stream.</param>
    void Apply(ViewCanvas canvas, ref SampleRandom random);

    /// <summary>The step and its parameters in one line, for people.</summary>
    string Describe();
}
