using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>
/// Finds the rows of a bank with the highest similarity to each query, exactly and in bounded memory.
/// </summary>
/// <remarks>
/// Similarities are computed in blocks: 16 MB at a time on a CPU, 1 GB on a GPU, for any size of bank. Of equal
/// similarities at the k-th place, the earlier row counts on a CPU; on a GPU any may count.
/// </remarks>
internal static class NeighborSearch
{
    private const int QueriesAtOnce = 1024;
    private const int QueriesAtOnceOnDevice = 1 << 14;
    private const int KeysAtOnce = 4096;
    private const int KeysAtOnceOnDevice = 1 << 14;

    /// <summary>Searches for the neighbors of every query.</summary>
    /// <param name="bank">Finite, on the CPU. Shape [M, D].</param>
    /// <param name="queries">Finite, on the CPU. Shape [Q, D].</param>
    /// <param name="neighbors">k, 1 to M.</param>
    /// <param name="take">
    /// Receives each query and its neighbors, on any thread. The neighbors are valid during the call.
    /// </param>
    /// <param name="device">Where similarities are computed; null is the CPU.</param>
    /// <param name="progress">Receives the share of the work that is done, 0 to 1, on this thread.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public static void Each(
        Tensor bank, Tensor queries, int neighbors, Action<int, NearestKeys> take, Device? device = null,
        Action<double>? progress = null, CancellationToken cancellation = default)
    {
        using var noGrad = no_grad();
        var count = (int)queries.shape[0];
        var isOnDevice = device is not null && device.type != DeviceType.CPU;
        var atOnce = Math.Min(count, isOnDevice ? QueriesAtOnceOnDevice : QueriesAtOnce);
        var nearest = Enumerable.Range(0, atOnce).Select(_ => new NearestKeys(neighbors)).ToArray();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() };
        for (var first = 0; first < count; first += atOnce)
        {
            using var block = NewDisposeScope();
            var start = first;
            var some = queries.narrow(0, first, Math.Min(atOnce, count - first));
            var rows = (int)some.shape[0];
            if (isOnDevice)
            {
                SearchOnDevice(
                    bank, DeviceCopy.To(some.contiguous(), device!), nearest, neighbors, parallel, Searched);
            }
            else
            {
                Search(bank, some, nearest, parallel, Searched);
            }

            Parallel.For(0, rows, parallel, row => take(start + row, nearest[row]));

            void Searched(long keys)
            {
                cancellation.ThrowIfCancellationRequested();
                progress?.Invoke((start + (rows * ((double)keys / bank.shape[0]))) / count);
            }
        }
    }

    // Each thread selects for separate rows, so the result does not depend on the number of threads.
    private static unsafe void Search(
        Tensor bank, Tensor queries, NearestKeys[] nearest, ParallelOptions parallel, Action<long> searched)
    {
        var rows = (int)queries.shape[0];
        foreach (var row in nearest)
        {
            row.Clear();
        }

        for (var first = 0; first < bank.shape[0]; first += KeysAtOnce)
        {
            using var block = NewDisposeScope();
            var keys = bank.narrow(0, first, Math.Min(KeysAtOnce, bank.shape[0] - first));
            var similarity = MatMul.TimesTransposed(queries, keys).to(float32); // [rows, width], contiguous
            var width = (int)keys.shape[0];
            fixed (byte* memory = similarity.bytes)
            {
                var scores = (nint)memory;
                var start = first;
                Parallel.For(
                    0, rows, parallel,
                    row => nearest[row].Add(new ReadOnlySpan<float>((float*)scores + ((long)row * width), width), start)
                );
            }

            searched(first + width);
        }
    }

    // The bank stays on the host and travels block by block, so that it need not fit on the device. The device selects
    // the best of each block, so that few similarities travel back.
    internal static void SearchOnDevice(
        Tensor bank, Tensor queries, NearestKeys[] nearest, int neighbors, ParallelOptions parallel,
        Action<long>? searched = null)
    {
        var rows = (int)queries.shape[0];
        foreach (var row in nearest)
        {
            row.Clear();
        }

        for (long first = 0; first < bank.shape[0]; first += KeysAtOnceOnDevice)
        {
            using var blockScope = NewDisposeScope();
            var block = first;
            var keys = DeviceCopy.To(
                bank.narrow(0, first, Math.Min(KeysAtOnceOnDevice, bank.shape[0] - first)).contiguous(),
                queries.device);
            var most = (int)Math.Min(neighbors, keys.shape[0]);
            var (best, at) = queries.mm(keys.t()).to(float32).topk(most, 1); // [rows, most]
            var scores = best.cpu().data<float>().ToArray();
            var indices = at.cpu().data<long>().ToArray();
            Parallel.For(0, rows, parallel, row =>
            {
                for (var i = row * most; i < (row + 1) * most; i++)
                {
                    nearest[row].Add(scores[i], (int)(block + indices[i]));
                }
            });
            searched?.Invoke(first + keys.shape[0]);
        }
    }
}
