using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MoCoSharp.Data.Images;

/// <summary>
/// The system's libturbojpeg, where there is one: JPEG at two to three times SkiaSharp's speed, as PIL decodes it.
/// </summary>
/// <remarks>
/// The TurboJPEG C API 2.0 and up. Exact inverse transform and smooth upsampling, which are the library's defaults and
/// PIL's. Its judgement of a file is taken only where it has none to make: what it warns of, and colours that it does
/// not convert (CMYK), are left to SkiaSharp.
/// </remarks>
internal sealed unsafe class TurboJpeg : SafeHandleZeroOrMinusOneIsInvalid
{
    private const int Rgb = 0; // TJPF_RGB
    private const int Warning = 0; // TJERR_WARNING
    private const int StopOnWarning = 8192; // TJFLAG_STOPONWARNING: SkiaSharp will judge, so no more work is done
    private const int LimitScans = 32768; // TJFLAG_LIMITSCANS of 2.1: a small file of thousands of scans is refused
    private const int LastConverted = 2; // of TJCS: RGB, YCbCr, grey; then CMYK and YCCK

    private static readonly string[] Names = OperatingSystem.IsWindows()
        ? ["turbojpeg.dll", "libturbojpeg.dll"]
        : OperatingSystem.IsMacOS()
            ?
            [
                "libturbojpeg.0.dylib", "/opt/homebrew/opt/jpeg-turbo/lib/libturbojpeg.dylib",
                "/usr/local/opt/jpeg-turbo/lib/libturbojpeg.dylib",
            ]
            : ["libturbojpeg.so.0", "libturbojpeg.so"];

    private static readonly Functions? Library = Load();

    [ThreadStatic]
    private static TurboJpeg? threadsOwn;

    /// <summary>A decoder for one thread.</summary>
    public TurboJpeg()
        : base(ownsHandle: true) => SetHandle(Library!.Init());

    /// <summary>The library's file, or null where the system has none.</summary>
    public static string? Found => Library?.Name;

    /// <summary>Decodes a JPEG.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="request">How it is to be read; the orientation is the caller's to apply.</param>
    /// <param name="transposes">Whether the caller will swap width and height.</param>
    /// <returns>Null where another decoder must judge.</returns>
    /// <exception cref="BrokenImageException">It cannot be decoded.</exception>
    public static ImageBuffer? TryDecode(
        ReadOnlySpan<byte> file, string name, in DecodeRequest request, bool transposes)
    {
        if (Library is null)
        {
            return null;
        }

        threadsOwn ??= new TurboJpeg();
        if (threadsOwn.IsInvalid)
        {
            return null;
        }

        return threadsOwn.Decode(Library, file, name, request, transposes);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Library!.Destroy(handle) == 0;

    private ImageBuffer? Decode(
        Functions library, ReadOnlySpan<byte> file, string name, in DecodeRequest request, bool transposes)
    {
        fixed (byte* bytes = file)
        {
            int width, height, subsampling, colors;
            if (
                library.Header(handle, bytes, new CULong((uint)file.Length), &width, &height, &subsampling, &colors)
                    != 0
                || colors is < 0 or > LastConverted || width <= 0 || height <= 0)
            {
                return null;
            }

            ImageDecoder.ThrowIfTooLarge(width, height, name);
            var (newWidth, newHeight) = request.Reduce(width, height, transposes);
            var image = ImageBuffer.Rent(newWidth, newHeight);
            var isDone = false;
            try
            {
                int result;
                fixed (byte* pixels = image.Write())
                {
                    result = library.Decompress(
                        handle, bytes, new CULong((uint)file.Length), pixels, newWidth, 3 * newWidth, newHeight, Rgb,
                        StopOnWarning | LimitScans);
                }

                isDone = result == 0;
                return isDone ? image
                    : library.ErrorCode(handle) == Warning ? null
                    : throw new BrokenImageException(
                        $"{name}: cannot be decoded: {Marshal.PtrToStringUTF8((nint)library.ErrorText(handle))}.");
            }
            finally
            {
                if (!isDone)
                {
                    image.Dispose();
                }
            }
        }
    }

    private static Functions? Load()
    {
        foreach (var name in Names)
        {
            if (NativeLibrary.TryLoad(name, out var library))
            {
                return Functions.Of(library, name);
            }
        }

        return null;
    }

    private sealed class Functions(string name)
    {
        public readonly string Name = name;
        public delegate* unmanaged[Cdecl]<nint> Init;
        public delegate* unmanaged[Cdecl]<nint, byte*, CULong, int*, int*, int*, int*, int> Header;
        public delegate* unmanaged[Cdecl]<nint, byte*, CULong, byte*, int, int, int, int, int, int> Decompress;
        public delegate* unmanaged[Cdecl]<nint, byte*> ErrorText;
        public delegate* unmanaged[Cdecl]<nint, int> ErrorCode;
        public delegate* unmanaged[Cdecl]<nint, int> Destroy;

        // Null for a library older than 2.0, which cannot tell a warning from an error.
        public static Functions? Of(nint library, string name)
        {
            if (!NativeLibrary.TryGetExport(library, "tjInitDecompress", out var init)
                || !NativeLibrary.TryGetExport(library, "tjDecompressHeader3", out var header)
                || !NativeLibrary.TryGetExport(library, "tjDecompress2", out var decompress)
                || !NativeLibrary.TryGetExport(library, "tjGetErrorStr2", out var errorText)
                || !NativeLibrary.TryGetExport(library, "tjGetErrorCode", out var errorCode)
                || !NativeLibrary.TryGetExport(library, "tjDestroy", out var destroy))
            {
                return null;
            }

            return new Functions(name)
            {
                Init = (delegate* unmanaged[Cdecl]<nint>)init,
                Header = (delegate* unmanaged[Cdecl]<nint, byte*, CULong, int*, int*, int*, int*, int>)header,
                Decompress = (delegate* unmanaged[Cdecl]<
                    nint, byte*, CULong, byte*, int, int, int, int, int,
                    int>)decompress,
                ErrorText = (delegate* unmanaged[Cdecl]<nint, byte*>)errorText,
                ErrorCode = (delegate* unmanaged[Cdecl]<nint, int>)errorCode,
                Destroy = (delegate* unmanaged[Cdecl]<nint, int>)destroy,
            };
        }
    }
}
