namespace MoCoSharp.Methods;

/// <summary>The methods that a configuration can name.</summary>
internal static class PretrainMethods
{
    /// <summary>The default options of each method. A new method adds one line here.</summary>
    public static IReadOnlyList<IMethodOptions> All { get; } =
    [
        new MoCoOptions(),
        new SimClrOptions(),
        new EndToEndOptions(),
        new MemoryBankOptions(),
        new SupervisedOptions(),
    ];

    /// <summary>The keys of the methods' sections. A configuration has exactly one of them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(method => method.Name)];
}
