using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MoCoSharp.Data.Images;

/// <summary>
/// Decodes JPEG with the system's libturbojpeg, if there is one: as PIL does, two to three times as fast as SkiaSharp.
/// </summary>
/// <remarks>
/// It uses the TurboJPEG C API 2.0 or later, with the exact inverse transform and smooth upsampling: the defaults of
/// the library and of PIL. Files with warnings, and colors that it does not convert (CMYK), are left to SkiaSharp.
/// </remarks>
internal sealed unsafe class TurboJpeg : SafeHandleZeroOrMinusOneIsInvalid
{
    private const int Rgb = 0; // TJPF_RGB
    private const int Warning = 0; // TJERR_WARNING
    private const int StopOnWarning = 8192; // TJFLAG_STOPONWARNING: SkiaSharp decodes such a file
    private const int LimitScans = 32768; // TJFLAG_LIMITSCANS of 2.1: a small file of thousands of scans is refused
    private const int LastConverted = 2; // of TJCS: RGB, YCbCr, gray; then CMYK and YCCK

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
    private static TurboJpeg? _threadsOwn;

    /// <summary>Creates a decoder for one thread.</summary>
    public TurboJpeg()
        : base(ownsHandle: true) => SetHandle(Library!.Init());

    /// <summary>The file of the library; null if the system has none.</summary>
    public static string? Found => Library?.Name;

    /// <summary>Decodes a JPEG.</summary>
    /// <param name="file">The bytes of the whole file.</param>
    /// <param name="name">Name in messages.</param>
    /// <param name="request">How to decode it. The caller applies the orientation.</param>
    /// <param name="transposes">Whether the caller will transpose the image.</param>
    /// <returns>Null if another decoder must decode the file.</returns>
    /// <exception cref="BrokenImageException">The file cannot be decoded.</exception>
    public static ImageBuffer? TryDecode(
        ReadOnlySpan<byte> file, string name, in DecodeRequest request, bool transposes)
    {
        if (Library is null)
        {
            return null;
        }

        _threadsOwn ??= new TurboJpeg();
        if (_threadsOwn.IsInvalid)
        {
            return null;
        }

        return _threadsOwn.Decode(Library, file, name, request, transposes);
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

        // Null for a library older than 2.0, which does not distinguish warnings from errors.
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
