using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MoCoSharp.Cli.Tests.Hosts;

/// <summary>
/// The wire between two hosts: carries Ethernet frames between two TAP devices, late, with losses, or not at all.
/// </summary>
internal sealed class Wire : IDisposable
{
    private const int LongestFrame = 65536; // bytes
    private readonly SafeFileHandle _alpha;
    private readonly SafeFileHandle _beta;

    /// <summary>Makes the devices of two names, and begins to carry.</summary>
    public Wire(string alpha, string beta)
    {
        (_alpha, _beta) = (Tap(alpha), Tap(beta));
        Carry(_alpha, _beta, new Random(1));
        Carry(_beta, _alpha, new Random(2));
    }

    /// <summary>Nothing passes.</summary>
    public volatile bool IsCut;

    /// <summary>How long a frame takes, in milliseconds.</summary>
    public volatile int Delay;

    /// <summary>One of so many frames is lost; 0 loses none.</summary>
    public volatile int LossOneOf;

    private int _lost;

    /// <summary>The number of lost frames.</summary>
    public int Lost => Volatile.Read(ref _lost);

    public void Dispose()
    {
        IsCut = true;
        _alpha.Dispose();
        _beta.Dispose();
    }

    private void Carry(SafeFileHandle from, SafeFileHandle to, Random chance)
    {
        var under = new BlockingCollection<(long Due, byte[] Frame)>();
        Begin(() =>
        {
            try
            {
                var buffer = new byte[LongestFrame];
                while ((int)read(from, buffer, buffer.Length) is var length and >= 0) // below 0: the host is gone
                {
                    if (LossOneOf > 0 && chance.Next(LossOneOf) == 0)
                    {
                        Interlocked.Increment(ref _lost);
                    }
                    else if (!IsCut)
                    {
                        under.Add((Stopwatch.GetTimestamp() + (Delay * Stopwatch.Frequency / 1000), buffer[..length]));
                    }
                }
            }
            finally
            {
                under.CompleteAdding();
            }
        });
        Begin(() =>
        {
            foreach (var (due, frame) in under.GetConsumingEnumerable())
            {
                var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
                if (wait > TimeSpan.Zero)
                {
                    Thread.Sleep(wait);
                }

                if (!IsCut)
                {
                    _ = write(to, frame, frame.Length); // what a host does not take is lost, as on a wire
                }
            }
        });
    }

    private static void Begin(Action carry)
    {
        var thread = new Thread(() =>
        {
            try
            {
                carry();
            }
            catch (ObjectDisposedException)
            {
                // The wire was taken away.
            }
        })
        {
            IsBackground = true,
        };
        thread.Start();
    }

    // linux/if_tun.h
    private static SafeFileHandle Tap(string name)
    {
        const int readWrite = 2, closeOnExec = 0x80000;
        const nuint setInterface = 0x400454ca; // TUNSETIFF
        const short tap = 2, noPacketInformation = 0x1000;
        var device = open("/dev/net/tun", readWrite | closeOnExec);
        var request = new byte[40]; // struct ifreq: a name of 16 bytes, and flags
        System.Text.Encoding.ASCII.GetBytes(name, request);
        MemoryMarshal.Write(request.AsSpan(16), (short)(tap | noPacketInformation));
        if (device.IsInvalid || ioctl(device, setInterface, request) != 0)
        {
            throw new IOException($"/dev/net/tun: errno {Marshal.GetLastPInvokeError()}");
        }

        return device;
    }

    [DllImport("libc", SetLastError = true)]
    private static extern SafeFileHandle open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int ioctl(SafeFileHandle device, nuint request, byte[] argument);

    [DllImport("libc", SetLastError = true)]
    private static extern nint read(SafeFileHandle device, [Out] byte[] buffer, nint count);

    [DllImport("libc", SetLastError = true)]
    private static extern nint write(SafeFileHandle device, byte[] buffer, nint count);
}
