namespace MoCoSharp.Report.Maps;

/// <summary>An image on a map.</summary>
/// <param name="X">To the right.</param>
/// <param name="Y">Upwards.</param>
/// <param name="Name">The name of the image in its data set.</param>
/// <param name="Label">The number of its class; -1 for none.</param>
internal readonly record struct MapPoint(float X, float Y, string Name, int Label);
