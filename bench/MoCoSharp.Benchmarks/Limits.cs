using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MoCoSharp.Benchmarks;

/// <summary>What the processor can do at most: products that stay in registers, and bytes from memory.</summary>
internal static class Limits
{
    private const int Rounds = 5;

    /// <summary>Float32 operations a second, in billions; a multiply-add counts as two.</summary>
    /// <param name="threads">Threads that compute at once.</param>
    /// <param name="isAvx2">Whether vectors have 256 bits at most.</param>
    public static double Gigaflops(int threads, bool isAvx2)
    {
        const long times = 50_000_000;
        var wide = !isAvx2 && Vector512.IsHardwareAccelerated;
        var seconds = Best(threads, () => wide ? Multiply512(times) : Multiply256(times));
        return threads * times * Chains * 2.0 * (wide ? 16 : 8) / seconds / 1e9;
    }

    /// <summary>Bytes a second read and written by a copy of more than the caches hold, in billions.</summary>
    public static double GigabytesPerSecond(int threads)
    {
        const int bytes = 256 << 20;
        var sets = new System.Collections.Concurrent.ConcurrentBag<(byte[], byte[])>(
            Enumerable.Range(0, threads).Select(_ => (new byte[bytes], new byte[bytes])));
        foreach (var (from, to) in sets) // untouched memory is a single page of zeros
        {
            Array.Fill(from, (byte)1);
            Array.Fill(to, (byte)2);
        }

        var seconds = Best(threads, () =>
        {
            sets.TryTake(out var set);
            set.Item1.AsSpan().CopyTo(set.Item2);
            sets.Add(set);
            return set.Item2[^1];
        });
        return 2.0 * threads * bytes / seconds / 1e9;
    }

    private const int Chains = 10; // independent sums, so that no product waits for the one before

    private static double Best(int threads, Func<float> work) => Enumerable.Range(0, Rounds).Min(_ =>
    {
        var begin = Stopwatch.GetTimestamp();
        var running = Enumerable.Range(0, threads).Select(_ => new Thread(() => GC.KeepAlive(work()))).ToList();
        running.ForEach(thread => thread.Start());
        running.ForEach(thread => thread.Join());
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    });

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Multiply512(long times)
    {
        var (x, y) = (Vector512.Create(0.999f), Vector512.Create(1e-3f));
        Vector512<float> a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y;
        for (long n = 0; n < times; n++)
        {
            a = Vector512.FusedMultiplyAdd(a, x, y);
            b = Vector512.FusedMultiplyAdd(b, x, y);
            c = Vector512.FusedMultiplyAdd(c, x, y);
            d = Vector512.FusedMultiplyAdd(d, x, y);
            e = Vector512.FusedMultiplyAdd(e, x, y);
            f = Vector512.FusedMultiplyAdd(f, x, y);
            g = Vector512.FusedMultiplyAdd(g, x, y);
            h = Vector512.FusedMultiplyAdd(h, x, y);
            i = Vector512.FusedMultiplyAdd(i, x, y);
            j = Vector512.FusedMultiplyAdd(j, x, y);
        }

        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Multiply256(long times)
    {
        var (x, y) = (Vector256.Create(0.999f), Vector256.Create(1e-3f));
        Vector256<float> a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y;
        for (long n = 0; n < times; n++)
        {
            a = Vector256.FusedMultiplyAdd(a, x, y);
            b = Vector256.FusedMultiplyAdd(b, x, y);
            c = Vector256.FusedMultiplyAdd(c, x, y);
            d = Vector256.FusedMultiplyAdd(d, x, y);
            e = Vector256.FusedMultiplyAdd(e, x, y);
            f = Vector256.FusedMultiplyAdd(f, x, y);
            g = Vector256.FusedMultiplyAdd(g, x, y);
            h = Vector256.FusedMultiplyAdd(h, x, y);
            i = Vector256.FusedMultiplyAdd(i, x, y);
            j = Vector256.FusedMultiplyAdd(j, x, y);
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j);
    }
}
