using TorchSharp;

namespace MoCoSharp.Kernels;

/// <summary>Numbers for libtorch that live longer than the call they are made for.</summary>
/// <remarks>
/// TorchSharp makes a native object of each number. The garbage collector may free it as soon as the native call has
/// begun, because no managed code reads it afterwards. The call then reads freed memory: it fails, or a step goes
/// wrong without a message. Beside a thread that only collects, <c>a.add_(b, alpha: 0.5)</c> threw within 20 seconds.
/// So numbers are held here. Expressions that make a number unseen, such as <c>a + b</c> or <c>a.add_(b)</c>, are not
/// used; tests/MoCoSharp.Tests/Kernels/ScalarsTests.cs finds them. Upstream.md says when this may go.
/// </remarks>
internal static class Scalars
{
    private const int Depth = 64; // calls on one thread for which a number is held; a call takes three numbers at most

    [ThreadStatic]
    private static Scalar?[]? _held;

    [ThreadStatic]
    private static int _next;

    /// <summary>1, held for good: the factor of a sum, as in <c>a.add_(b, One)</c>.</summary>
    public static Scalar One { get; } = (Scalar)1;

    /// <summary>A number for the next call.</summary>
    public static Scalar Held(double value) => Keep((Scalar)value);

    /// <summary>An integer for the next call.</summary>
    public static Scalar Held(long value) => Keep((Scalar)value);

    private static Scalar Keep(Scalar scalar)
    {
        _held ??= new Scalar?[Depth];
        _held[_next]?.Dispose();
        _held[_next] = scalar;
        _next = (_next + 1) % Depth;
        return scalar;
    }
}
