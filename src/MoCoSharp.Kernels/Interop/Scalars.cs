using TorchSharp;

namespace MoCoSharp.Kernels;

/// <summary>Numbers for libtorch that outlive the call they are made for.</summary>
/// <remarks>
/// TorchSharp makes a native object of each number, and frees it when the collector finds that no managed code will look at it again: which is
/// as soon as the native call has begun. A collection at that moment (a loader thread's allocation suffices) makes the call read freed memory,
/// and fail or a step go wrong without a word: with another thread that only collects, a.add_(b, alpha: 0.5) threw within 20 seconds. So numbers are held
/// here, and whatever makes one unseen, such as a + b or a.add_(b), is not used: tests/MoCoSharp.Tests/Kernels/ScalarsTests.cs lists it.
/// </remarks>
public static class Scalars
{
    private const int Depth = 64; // calls on one thread during which a number is safe; a call takes three at most

    [ThreadStatic]
    private static Scalar?[]? held;

    [ThreadStatic]
    private static int next;

    /// <summary>1, held for good: the factor of a sum, as in a.add_(b, One).</summary>
    public static Scalar One { get; } = (Scalar)1;

    /// <summary>A number for the next call.</summary>
    public static Scalar Held(double value) => Keep((Scalar)value);

    /// <summary>An integer for the next call.</summary>
    public static Scalar Held(long value) => Keep((Scalar)value);

    private static Scalar Keep(Scalar scalar)
    {
        held ??= new Scalar?[Depth];
        held[next]?.Dispose();
        held[next] = scalar;
        next = (next + 1) % Depth;
        return scalar;
    }
}
