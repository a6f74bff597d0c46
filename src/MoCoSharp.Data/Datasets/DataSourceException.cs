namespace MoCoSharp.Data.Datasets;

/// <summary>A source of images cannot be used. The message says what is wrong, where, and how to fix it.</summary>
public sealed class DataSourceException(string message, Exception? inner = null) : Exception(message, inner);
