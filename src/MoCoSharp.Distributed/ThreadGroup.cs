using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed;

/// <summary>Runs ranks as threads of this process, to test and study training with several processes.</summary>
internal static class ThreadGroup
{
    /// <summary>Runs the same work on every rank, each on its own thread, and waits for all.</summary>
    /// <param name="size">Number of ranks, above 0.</param>
    /// <param name="work">The work of a rank.</param>
    /// <exception cref="AggregateException">A rank failed. The others were released.</exception>
    public static void Run(int size, Action<IProcessGroup> work)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentNullException.ThrowIfNull(work);
        using var shared = new Shared(size);
        var errors = new Exception?[size];
        var threads = Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            using var member = new Member(shared, rank);
            try
            {
                work(member);
            }
            catch (Exception error)
            {
                errors[rank] = error;
                shared.Failed.Cancel();
            }
        })
        { IsBackground = true, Name = $"rank {rank}" }).ToArray();
        foreach (var thread in threads)
        {
            thread.Start();
        }

        foreach (var thread in threads)
        {
            thread.Join();
        }

        // The first error, not the cancellations that it caused.
        var causes = errors.OfType<Exception>().Where(error => error is not OperationCanceledException).ToList();
        if (causes.Count > 0 || errors.Any(error => error is not null))
        {
            throw new AggregateException(causes.Count > 0 ? causes : errors.OfType<Exception>());
        }
    }

    private sealed class Shared(int size) : IDisposable
    {
        public Barrier Meeting { get; } = new(size);

        public Tensor?[] Slots { get; } = new Tensor?[size];

        public CancellationTokenSource Failed { get; } = new();

        public void Dispose()
        {
            Meeting.Dispose();
            Failed.Dispose();
        }
    }

    /// <summary>
    /// TorchSharp may free the number in a.add_(b) while the call reads it. So this number is kept.
    /// </summary>
    private static class Held
    {
        public static readonly Scalar One = 1;
    }

    private sealed class Member(Shared shared, int rank) : IProcessGroup
    {
        public int Rank => rank;

        public int Size => shared.Slots.Length;

        public int LocalRank => rank;

        public void AllReduceSum(Tensor tensor) => Exchange(tensor, slots =>
        {
            var sum = slots[0].clone();
            foreach (var slot in slots[1..])
            {
                sum.add_(slot, Held.One);
            }

            return sum;
        }, result => tensor.copy_(result));

        public Tensor AllGather(Tensor tensor)
        {
            using var scope = NewDisposeScope();
            var gathered = empty([Size, .. tensor.shape], dtype: tensor.dtype, device: tensor.device);
            Exchange(tensor, slots => stack(slots), result => gathered.copy_(result));
            return gathered.MoveToOuterDisposeScope();
        }

        public void Broadcast(Tensor tensor, int root) =>
            Exchange(tensor, slots => slots[root].clone(), result => tensor.copy_(result));

        public void Barrier() => shared.Meeting.SignalAndWait(shared.Failed.Token);

        public void Abort(string reason) => shared.Failed.Cancel();

        public void Dispose()
        {
        }

        // All ranks publish, then all read. Only then may a rank change its tensor.
        private void Exchange(Tensor mine, Func<Tensor[], Tensor> combine, Action<Tensor> keep)
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            shared.Slots[rank] = mine;
            Barrier();
            var result = combine([.. shared.Slots.Select(slot => slot!)]);
            Barrier();
            keep(result);
        }
    }
}
