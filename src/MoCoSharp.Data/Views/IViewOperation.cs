namespace MoCoSharp.Data.Views;

/// <summary>
/// One step of a view. Drawing the parameters and applying them are separate, so that each can be tested alone.
/// </summary>
public interface IViewOperation
{
    /// <summary>Draws this step's parameters and applies them.</summary>
    /// <param name="canvas">The view so far. Its size may change.</param>
    /// <param name="random">The random stream of the view.</param>
    void Apply(ViewCanvas canvas, ref SampleRandom random);

    /// <summary>The step and its parameters in one line.</summary>
    string Describe();
}
