using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MoCoSharp.Distributed;
using MoCoSharp.Distributed.Nccl;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Distributed;

/// <summary>
/// NCCL's calls against a stand-in of a few functions, in the CPU's memory, with threads for ranks. GpuTests runs the
/// real NCCL with one rank.
/// </summary>
public sealed unsafe class NcclTests
{
    [Fact]
    public void Ranks_SumGatherAndBroadcast()
    {
        ThreadGroup.Run(3, host =>
        {
            using var scope = NewDisposeScope();
            var group = NcclGroup.Join(StandIn.Library, host, device: null);
            Assert.Equal((host.Rank, 3, host.LocalRank), (group.Rank, group.Size, group.LocalRank));

            var sum = full([4], group.Rank + 1, dtype: float64);
            group.BeginAllReduceSum(sum)();
            Assert.All(sum.data<double>().ToArray(), value => Assert.Equal(6, value));

            var turned = (arange(6, dtype: float32) + group.Rank).view(2, 3).t(); // not contiguous
            group.AllReduceSum(turned);
            Assert.Equal(new float[] { 3, 6, 9, 12, 15, 18 }, turned.t().contiguous().data<float>().ToArray());

            var all = group.AllGather(tensor([group.Rank, 10 + group.Rank]));
            Assert.Equal([3, 2], all.shape);
            Assert.Equal([0, 10, 1, 11, 2, 12], all.data<int>().ToArray());

            var from = full([2], group.Rank, dtype: bfloat16);
            group.Broadcast(from, root: 2);
            Assert.True(from.eq(2).all().item<bool>());
            group.Barrier();
            group.Dispose();
        });
        Assert.Equal(3, StandIn.Left);
    }

    [Fact]
    public void AnErrorOfNccl_IsToldInItsWords() => ThreadGroup.Run(1, host =>
    {
        using var scope = NewDisposeScope();
        using var group = NcclGroup.Join(StandIn.Library, host, device: null);
        var error = Assert.Throws<IOException>(() => group.AllReduceSum(zeros(13)));
        Assert.Contains("remote process exited", error.Message);
        Assert.Throws<ArgumentException>(() => group.AllReduceSum(zeros(2, dtype: int32)));
    });

    [Fact]
    public void WithoutNccl_TheErrorSaysWhatToInstall()
    {
        Assert.SkipWhen(NativeLibrary.TryLoad("libnccl.so.2", out _), "NCCL is here");
        Assert.Contains(
            "libnccl2",
            Assert.Throws<DllNotFoundException>(() => NcclGroup.Join(SingleProcess.Instance, CPU)).Message);
    }

    [Fact]
    public void RanksOfTorchrun_FindOneAnother()
    {
        int port;
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            port = ((IPEndPoint)free.LocalEndpoint).Port;
        }

        var heard = new ConcurrentDictionary<int, byte[]>();
        ThreadGroup.Run(3, member =>
        {
            var environment = new Dictionary<string, string>
            {
                ["RANK"] = $"{member.Rank}",
                ["WORLD_SIZE"] = "3",
                ["LOCAL_RANK"] = "0",
                ["MASTER_ADDR"] = "127.0.0.1",
                ["MASTER_PORT"] = $"{port - 1}",
            };
            heard[member.Rank] = Rendezvous
                .Detect(environment.GetValueOrDefault)!
                .Exchange(member.Rank == 0 ? [1, 2, 3] : new byte[3]);
        });
        Assert.All(heard.Values, bytes => Assert.Equal([1, 2, 3], bytes));
        Assert.Null(Rendezvous.Detect(name => name == "RANK" ? "0" : null));
    }

    /// <summary>What a communicator of the stand-in is: a number of a rank that has joined.</summary>
    private static class StandIn
    {
        private static readonly ConcurrentDictionary<(long Id, int Size), (Barrier Meeting, nint[] Memory)> Groups =
            new();
        private static readonly ConcurrentDictionary<nint, ((Barrier Meeting, nint[] Memory) Group, int Rank)> Members =
            new();
        private static readonly byte* Words = (byte*)Marshal.StringToCoTaskMemUTF8("remote process exited");
        private static long ids;
        private static long members = 0x100;
        private static int left;

        public static int Left => left;

        public static NcclLibrary Library { get; } = new(name => name switch
        {
            "ncclGetUniqueId" => (nint)(delegate* unmanaged[Cdecl]<NcclId*, int>)&NewId,
            "ncclCommInitRank" => (nint)(delegate* unmanaged[Cdecl]<nint*, int, NcclId, int, int>)&Join,
            "ncclAllReduce" => (nint)
                (delegate* unmanaged[Cdecl]<nint, nint, nuint, int, int, nint, nint, int>)&AllReduce,
            "ncclAllGather" => (nint)(delegate* unmanaged[Cdecl]<nint, nint, nuint, int, nint, nint, int>)&AllGather,
            "ncclBroadcast" => (nint)
                (delegate* unmanaged[Cdecl]<nint, nint, nuint, int, int, nint, nint, int>)&Broadcast,
            "ncclCommGetAsyncError" => (nint)(delegate* unmanaged[Cdecl]<nint, int*, int>)&State,
            "ncclCommDestroy" or "ncclCommAbort" => (nint)(delegate* unmanaged[Cdecl]<nint, int>)&Leave,
            "ncclGetErrorString" => (nint)(delegate* unmanaged[Cdecl]<int, nint>)&ErrorText,
            _ => 0,
        });

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static int NewId(NcclId* id)
        {
            ((long*)id)[15] = Interlocked.Increment(ref ids); // its last bytes: all 128 must arrive
            return 0;
        }

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static int Join(nint* communicator, int size, NcclId id, int rank)
        {
            var group = Groups.GetOrAdd((((long*)&id)[15], size), key => (new Barrier(key.Size), new nint[key.Size]));
            *communicator = (nint)Interlocked.Increment(ref members);
            Members[*communicator] = (group, rank);
            return 0;
        }

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static int AllReduce(
            nint send, nint receive, nuint count, int type, int operation, nint communicator, nint stream)
        {
            if (count == 13)
            {
                return 6; // ncclRemoteError
            }

            return operation != 0 || stream != 0 || type is not (7 or 8)
                ? 4
                : Together(
                    communicator,
                    send,
                    (memory, rank) =>
            {
                var sums = new double[count];
                for (var i = 0; i < sums.Length; i++)
                {
                    sums[i] = memory.Sum(values => type == 7 ? ((float*)values)[i] : ((double*)values)[i]);
                }

                return () =>
                {
                    for (var i = 0; i < sums.Length; i++)
                    {
                        if (type == 7)
                        {
                            ((float*)receive)[i] = (float)sums[i];
                        }
                        else
                        {
                            ((double*)receive)[i] = sums[i];
                        }
                    }
                };
            });
        }

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static int AllGather(nint send, nint receive, nuint count, int type, nint communicator, nint stream) =>
            type != 1 ? 4 : Together(communicator, send, (memory, _) => () =>
            {
                for (var rank = 0; rank < memory.Length; rank++)
                {
                    NativeMemory.Copy((void*)memory[rank], (byte*)receive + ((nuint)rank * count), count);
                }
            });

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static int Broadcast(
            nint send, nint receive, nuint count, int type, int root, nint communicator,
            nint stream) =>
            type != 1 ? 4 : Together(communicator, send, (memory, _) =>
            {
                var bytes = new Span<byte>((void*)memory[root], (int)count).ToArray();
                return () => bytes.CopyTo(new Span<byte>((void*)receive, (int)count));
            });

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static int State(nint communicator, int* state)
        {
            *state = 0;
            return 0;
        }

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static int Leave(nint communicator)
        {
            Interlocked.Add(ref left, Members[communicator].Group.Memory.Length == 3 ? 1 : 0);
            return Members.TryRemove(communicator, out _) ? 0 : 4;
        }

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static nint ErrorText(int error) => (nint)Words;

        // All show their memory, all read, and only then does anyone write.
        private static int Together(nint communicator, nint mine, Func<nint[], int, Action> read)
        {
            var ((meeting, memory), rank) = Members[communicator];
            memory[rank] = mine;
            meeting.SignalAndWait();
            var write = read(memory, rank);
            meeting.SignalAndWait();
            write();
            meeting.SignalAndWait();
            return 0;
        }
    }
}
