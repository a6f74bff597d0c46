namespace MoCoSharp.Runs;

/// <summary>Thrown when the loss, or a weight, is NaN or infinite.</summary>
public sealed class DivergedException(string message) : Exception(message);
