using System.Buffers.Binary;
using System.Text;
using MoCoSharp.Kernels;

namespace MoCoSharp.Tests.Kernels;

/// <summary>
/// What lets a program run that references the project, where libstdc++ is old. eng/try-packages.sh runs such a
/// program.
/// </summary>
public sealed class TorchSharpLibraryTests
{
    [Fact]
    public void Weaken_ChangesTheOneDemand_AndNothingElse()
    {
        var elf = Elf("GLIBCXX_3.4.30", "GLIBCXX_3.4.32", "GLIBCXX_3.4.3");
        var before = elf.ToArray();

        Assert.Equal(1, TorchSharpLibrary.Weaken(elf, "GLIBCXX_3.4.32"));

        var changed = Enumerable.Range(0, elf.Length).Where(i => elf[i] != before[i]).ToList();
        Assert.Equal(Need(1) + 4, Assert.Single(changed));
        Assert.Equal(2, elf[Need(1) + 4]); // VER_FLG_WEAK
    }

    [Fact]
    public void Weaken_LeavesAFileWithoutTheDemand_AndWhatIsNoElf()
    {
        Assert.Equal(0, TorchSharpLibrary.Weaken(Elf("GLIBCXX_3.4.30"), "GLIBCXX_3.4.32"));
        Assert.Equal(0, TorchSharpLibrary.Weaken(new byte[100], "GLIBCXX_3.4.32"));
        Assert.Equal(0, TorchSharpLibrary.Weaken(Span<byte>.Empty, "GLIBCXX_3.4.32"));
    }

    [Fact]
    public void TheDeployedLibrary_AsksForTheVersionThatIsMended()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a library of Linux");
        var path = TorchSharpLibrary.Find("libLibTorchSharp.so");

        Assert.NotNull(path);
        Assert.Equal(1, TorchSharpLibrary.Weaken(File.ReadAllBytes(path), "GLIBCXX_3.4.32"));
        Assert.Null(TorchSharpLibrary.Find("no such library.so"));
    }

    private static int Need(int number) => 64 + 16 + (16 * number);

    // The header, one file's demands for versions, their texts, and two sections: the demands and the texts.
    private static byte[] Elf(params string[] versions)
    {
        var names = string.Concat(versions.Select(version => version + "\0"));
        var texts = Encoding.ASCII.GetBytes("\0libstdc++.so.6\0" + names);
        var textsAt = Need(versions.Length);
        var sectionsAt = textsAt + texts.Length;
        var elf = new byte[sectionsAt + (2 * 64)];
        ((byte[])[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]).CopyTo(elf, 0);
        Long(0x28, sectionsAt);
        Short(0x3A, 64);
        Short(0x3C, 2);

        Short(64, 1); // vn_version
        Short(66, versions.Length); // vn_cnt
        Int(68, 1); // vn_file
        Int(72, 16); // vn_aux
        var text = 16;
        for (var i = 0; i < versions.Length; i++)
        {
            Int(Need(i) + 8, text); // vna_name
            Int(Need(i) + 12, i + 1 < versions.Length ? 16 : 0); // vna_next
            text += versions[i].Length + 1;
        }

        texts.CopyTo(elf, textsAt);
        Int(sectionsAt + 4, unchecked((int)0x6ffffffe));
        Long(sectionsAt + 0x18, 64);
        Int(sectionsAt + 0x28, 1); // sh_link: the texts
        Int(sectionsAt + 0x2C, 1); // sh_info: files
        Int(sectionsAt + 64 + 4, 3);
        Long(sectionsAt + 64 + 0x18, textsAt);
        return elf;

        void Short(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(elf.AsSpan(at), (ushort)value);
        void Int(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(elf.AsSpan(at), value);
        void Long(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(elf.AsSpan(at), value);
    }
}
