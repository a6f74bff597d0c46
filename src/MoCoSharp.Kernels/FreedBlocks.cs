using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace MoCoSharp.Kernels;

/// <summary>
/// Lets tensors have the blocks of memory again that tensors before them have freed. libtorch asks glibc for aligned memory, and glibc then looks for 96
/// bytes more than that, to find an aligned address in them: a freed block of just the size is passed over, and as small objects lie on either side it never
/// grows. A training step so took up to twice the memory that it used. A plain request finds the block, and its address is as aligned as it was before.
/// </summary>
/// <remarks>
/// A function of a few instructions goes before that of libtorch's CPU allocator. It is machine code, as libtorch's own reports by an exception of C++
/// that memory has run out, which must not meet a managed frame on its way: it is jumped to, not called.
/// </remarks>
internal static unsafe partial class FreedBlocks
{
    private const int Alignment = 64;    // c10::gAlignment
    private const int Smallest = 1 << 16; // bytes of a block; smaller ones find their like anyway
    private const int Slots = 16;        // of the allocator's table of functions, and more than it has
    private const int Allocate = 2;      // the slot after those of the destructor

    private static nint _theirs;
    private static nint _ours;

    /// <summary>Whether tensors made now get freed blocks: false before <see cref="Use"/>, after <see cref="LeaveOut"/>, and where it cannot be had.</summary>
    public static bool InUse { get; private set; }

    /// <summary>From now on tensors get freed blocks; libtorch must be loaded. On Linux with 64-bit x86, for a libtorch whose allocator looks as it should.</summary>
    public static void Use()
    {
        if (_ours == 0 && OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64)
        {
            Make();
        }

        if (_ours != 0)
        {
            SetCpuAllocator(_ours, priority: 0);
            InUse = true;
        }
    }

    /// <summary>From now on libtorch's own allocator makes tensors, as a comparison with it wants. Those that live stay as they are.</summary>
    public static void LeaveOut()
    {
        if (InUse)
        {
            SetCpuAllocator(_theirs, priority: 0);
            InUse = false;
        }
    }

    private static void Make()
    {
        try
        {
            var allocator = CpuAllocator();
            var table = *(nint**)allocator;
            Block block;
            ((delegate* unmanaged<Block*, nint, nuint, Block*>)table[Allocate])(&block, allocator, Smallest);
            if (block.Address % Alignment != 0 || block.Context != block.Address || block.Deleter == 0 || (ushort)block.Device != Block.Cpu)
            {
                return; // another build of libtorch: its way, then
            }

            ((delegate* unmanaged<nint, void>)block.Deleter)(block.Address);
            var program = NativeLibrary.GetMainProgramHandle(); // a person may have preloaded another malloc
            var code = Runnable(Code(NativeLibrary.GetExport(program, "malloc"), NativeLibrary.GetExport(program, "free"), table[Allocate], block.Deleter));
            if (code == 0)
            {
                return;
            }

            var own = (nint*)NativeMemory.Alloc(1 + 2 + Slots, (nuint)sizeof(nint)); // the object, which is a pointer to its table, and that; never freed
            new ReadOnlySpan<nint>(table - 2, 2 + Slots).CopyTo(new Span<nint>(own + 1, 2 + Slots)); // two words about its type come before it
            own[0] = (nint)(own + 3);
            own[3 + Allocate] = code;
            (_theirs, _ours) = (allocator, (nint)own);
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            // Another build of libtorch, or no glibc: its way, then.
        }
    }

    // DataPtr* allocate(DataPtr* block /* rdi */, Allocator* allocator /* rsi */, size_t size /* rdx */)
    private static byte[] Code(nint malloc, nint free, nint allocate, nint deleter)
    {
        var code = new MachineCode();
        code.Add(0xF3, 0x0F, 0x1E, 0xFA);                   // endbr64
        code.Add(0x48, 0x81, 0xFA).AddInt(Smallest);        // cmp rdx, Smallest
        var small = code.Add(0x0F, 0x82).AddInt(0);         // jb theirs
        code.Add(0x57, 0x56, 0x52);                         // push rdi, rsi, rdx: three, so that the stack is aligned
        code.Add(0x48, 0x89, 0xD7);                         // mov rdi, rdx
        code.Add(0x48, 0xB8).AddLong(malloc).Add(0xFF, 0xD0); // mov rax, malloc; call rax
        code.Add(0x5A, 0x5E, 0x5F);                         // pop rdx, rsi, rdi
        code.Add(0x48, 0x85, 0xC0);                         // test rax, rax
        var none = code.Add(0x0F, 0x84).AddInt(0);          // jz theirs
        code.Add(0xA8, Alignment - 1);                      // test al, 63
        var unaligned = code.Add(0x0F, 0x85).AddInt(0);     // jnz freed
        code.Add(0x48, 0x89, 0x07);                         // mov [rdi + Address], rax
        code.Add(0x48, 0xB9).AddLong(deleter);              // mov rcx, deleter
        code.Add(0x48, 0x89, 0x4F, 0x08);                   // mov [rdi + Deleter], rcx
        code.Add(0x48, 0x89, 0x47, 0x10);                   // mov [rdi + Context], rax
        code.Add(0x66, 0xC7, 0x47, 0x18, Block.Cpu & 0xFF, Block.Cpu >> 8); // mov word [rdi + Device], Cpu
        code.Add(0x48, 0x89, 0xF8, 0xC3);                   // mov rax, rdi; ret
        code.Land(unaligned);                               // freed:
        code.Add(0x57, 0x56, 0x52, 0x48, 0x89, 0xC7);       // push rdi, rsi, rdx; mov rdi, rax
        code.Add(0x48, 0xB8).AddLong(free).Add(0xFF, 0xD0); // mov rax, free; call rax
        code.Add(0x5A, 0x5E, 0x5F);                         // pop rdx, rsi, rdi
        code.Land(small);                                   // theirs:
        code.Land(none);
        code.Add(0x48, 0xB8).AddLong(allocate).Add(0xFF, 0xE0); // mov rax, allocate; jmp rax
        return code.Bytes;
    }

    // Where the code can be run; 0 where the system does not allow it.
    private static nint Runnable(byte[] code)
    {
        const int read = 1, write = 2, run = 4, ownAndNoFile = 0x22; // sys/mman.h
        var page = Map(0, (nuint)Environment.SystemPageSize, read | write, ownAndNoFile, -1, 0);
        if (page == -1)
        {
            return 0;
        }

        code.CopyTo(new Span<byte>((void*)page, code.Length));
        return Protect(page, (nuint)Environment.SystemPageSize, read | run) == 0 ? page : 0;
    }

    [LibraryImport("libc10", EntryPoint = "_ZN3c1015GetCPUAllocatorEv")]
    private static partial nint CpuAllocator();

    [LibraryImport("libc10", EntryPoint = "_ZN3c1015SetCPUAllocatorEPNS_9AllocatorEh")]
    private static partial void SetCpuAllocator(nint allocator, byte priority);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint size, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint size, int protection);

    /// <summary>c10::DataPtr.</summary>
    private struct Block
    {
        public const ushort Cpu = 0xFF00; // a byte for the type, 0, and one for the index, -1

        public nint Address;
        public nint Deleter;
        public nint Context; // what the deleter is given
        public nint Device;
    }

    private sealed class MachineCode
    {
        private readonly List<byte> _bytes = [];

        public byte[] Bytes => [.. _bytes];

        public MachineCode Add(params ReadOnlySpan<byte> bytes)
        {
            _bytes.AddRange(bytes);
            return this;
        }

        public MachineCode AddLong(nint value)
        {
            Span<byte> bytes = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
            return Add(bytes);
        }

        /// <summary>The place after it: what a jump's distance counts from.</summary>
        public int AddInt(int value)
        {
            Span<byte> bytes = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
            _bytes.AddRange(bytes);
            return _bytes.Count;
        }

        /// <summary>Lets the jump at a place lead here.</summary>
        public void Land(int jump) => BinaryPrimitives.WriteInt32LittleEndian(CollectionsMarshal.AsSpan(_bytes)[(jump - sizeof(int))..], _bytes.Count - jump);
    }
}
