namespace MoCoSharp.Data.Loading;

/// <summary>An image that could not be read.</summary>
/// <param name="Index">In the data set.</param>
/// <param name="Name">By which a person can find it.</param>
/// <param name="Reason">Why it cannot be read.</param>
public sealed record BadImage(int Index, string Name, string Reason);
