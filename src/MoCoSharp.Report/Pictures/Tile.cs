using MoCoSharp.Data.Images;

namespace MoCoSharp.Report.Pictures;

/// <summary>An image of a contact sheet.</summary>
/// <param name="Name">Its name, from outside.</param>
/// <param name="Caption">A short text such as a similarity; empty for none.</param>
/// <param name="Image">Its pixels, at any size; null if it cannot be read.</param>
internal sealed record Tile(string Name, string Caption, ImageBuffer? Image);

/// <summary>A query and its neighbors.</summary>
/// <param name="Query">The query.</param>
/// <param name="Neighbors">The most similar first.</param>
internal sealed record TileRow(Tile Query, IReadOnlyList<Tile> Neighbors);
