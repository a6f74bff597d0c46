using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MoCoSharp.Distributed.Nccl;

/// <summary>
/// How ranks that torchrun started find one another: rank 0 listens, and hands a few bytes to each of the others.
/// </summary>
/// <param name="Rank">This process, 0 to Size - 1.</param>
/// <param name="Size">Number of processes.</param>
/// <param name="LocalRank">This process among those of its machine.</param>
/// <param name="Address">Of rank 0's machine.</param>
/// <param name="Port">That rank 0 listens on.</param>
public sealed record Rendezvous(int Rank, int Size, int LocalRank, string Address, int Port)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>
    /// From torchrun's variables; null where they are not all there. torchrun itself listens on MASTER_PORT, so we take
    /// the one after it.
    /// </summary>
    /// <param name="variable">An environment variable; null where it is not set.</param>
    public static Rendezvous? Detect(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        return
            Number("RANK") is { } rank
            && Number("WORLD_SIZE") is { } size
            && Number("LOCAL_RANK") is { } local
            && Number("MASTER_PORT") is { } port
            && variable("MASTER_ADDR") is { Length: > 0 } address && rank < size
            ? new(rank, size, local, address, port + 1)
            : null;

        int? Number(string name) =>
            int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? number
                : null;
    }

    /// <summary>Rank 0's bytes, on every rank.</summary>
    /// <param name="bytes">Of the same length everywhere; the contents of rank 0's count.</param>
    /// <exception cref="IOException">The others were not there within a minute.</exception>
    public byte[] Exchange(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            return Rank == 0 ? Give(bytes, patience.Token) : Take(bytes.Length, patience.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
            throw new IOException(
                $"Process {Rank} of {Size} did not meet the others at {Address}:{Port} within " +
                $"{Patience.TotalSeconds:F0} s. Is MASTER_ADDR the machine of rank 0, and the port free and open?",
                error);
        }
    }

    private byte[] Give(byte[] bytes, CancellationToken patience)
    {
        using var listener = new TcpListener(IPAddress.Any, Port);
        listener.Start();
        for (var served = 1; served < Size; served++)
        {
            using var client = listener.AcceptTcpClientAsync(patience).AsTask().GetAwaiter().GetResult();
            client.GetStream().Write(bytes);
        }

        return bytes;
    }

    private byte[] Take(int length, CancellationToken patience)
    {
        while (true)
        {
            try
            {
                using var client = new TcpClient();
                client.ConnectAsync(Address, Port, patience).AsTask().GetAwaiter().GetResult();
                var bytes = new byte[length];
                client.GetStream().ReadExactly(bytes);
                return bytes;
            }
            catch (Exception error) when (error is SocketException or EndOfStreamException)
            {
                patience.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(200)); // rank 0 is not there yet
                patience.ThrowIfCancellationRequested();
            }
        }
    }
}
