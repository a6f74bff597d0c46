namespace MoCoSharp.Data.Datasets;

/// <summary>A source of images cannot be used; the message says what, where and how to mend it.</summary>
public sealed class DataSourceException(string message, Exception? inner = null) : Exception(message, inner);
