using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MoCoSharp.Distributed.Nccl;

/// <summary>
/// Connects ranks that torchrun started: rank 0 listens, and sends a few bytes to each of the others.
/// </summary>
/// <param name="Rank">Number of this process, 0 to Size - 1.</param>
/// <param name="Size">Number of processes.</param>
/// <param name="LocalRank">Number of this process on its machine.</param>
/// <param name="Address">Address of rank 0's machine.</param>
/// <param name="Port">The port of rank 0.</param>
internal sealed record Rendezvous(int Rank, int Size, int LocalRank, string Address, int Port)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Reads torchrun's variables; null if some are missing. torchrun itself uses MASTER_PORT, so this uses the port
    /// after it.
    /// </summary>
    /// <param name="variable">Returns an environment variable; null if it is not set.</param>
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

    /// <summary>Sends the bytes of rank 0 to every rank.</summary>
    /// <param name="bytes">Of the same length on every rank. Only the content of rank 0 is used.</param>
    /// <exception cref="IOException">The other ranks did not connect within a minute.</exception>
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
                $"Process {Rank} of {Size} did not reach the others at {Address}:{Port} within " +
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
