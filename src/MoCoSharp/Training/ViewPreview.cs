using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>
/// Writes views.png of a run, also for TensorBoard: pairs of views as the encoders see them, to check before a long
/// training.
/// </summary>
internal static class ViewPreview
{
    private const int Rows = 4;
    private const int PairsInRow = 4;
    private const int Gap = 12;      // pixels between pairs
    private const int HalfGap = 2;   // between the views of a pair
    private const int LeastSide = 96; // smaller views are enlarged
    private const int TitleSize = 16; // of the font, in pixels
    private const int NameSize = 11;
    private const int MostTried = 1000; // if images cannot be read
    private static readonly (byte, byte, byte) Ink = (27, 31, 36);
    private static readonly (byte, byte, byte) Quiet = (91, 101, 112);

    /// <summary>Draws the first epoch's views of the first readable images.</summary>
    public static void Write(RunFolder run, IImageDataset data, ViewTransform transform, RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(run);
        var sheet = Draw(data, transform, config);
        var png = ImageEncoder.Png(sheet);
        AtomicFile.Write(run.ViewsPath, stream => stream.Write(png));
        using var board = new TensorBoardLog(run.TensorBoardPath, TimeProvider.System);
        board.Image("views", png, sheet.Width, sheet.Height);
    }

    /// <summary>Draws the sheet: both views of an image side by side, above its name; four pairs per row.</summary>
    public static ImageBuffer Draw(IImageDataset data, ViewTransform transform, RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(transform);
        ArgumentNullException.ThrowIfNull(config);
        var times = (LeastSide + transform.Size - 1) / transform.Size; // rounded up
        var side = times * transform.Size;
        var (pairWidth, head) = ((2 * side) + HalfGap, (2 * Gap) + PictureText.Height(TitleSize));
        var rowHeight = side + PictureText.Height(NameSize) + Gap;
        var width = (PairsInRow * (pairWidth + Gap)) + Gap;
        var height = head + (Rows * rowHeight);
        var sheet = new ImageBuffer(width, height, new byte[3 * width * height]);
        sheet.Pixels.AsSpan().Fill(255);
        var title = $"Pairs of views, as the encoders see them: {transform.Size} x {transform.Size} pixels" +
            (times > 1 ? $", enlarged {times} times" : "");
        Write(sheet, Gap, Gap, title, Ink, TitleSize, width - (2 * Gap));
        var view = new float[3 * transform.Size * transform.Size];
        for (int index = 0, place = 0; index < Math.Min(data.Count, MostTried) && place < Rows * PairsInRow; index++)
        {
            if (TryRead(data, index) is not { } image)
            {
                continue; // training reports bad images
            }

            var (left, top) = (
                Gap + (place % PairsInRow * (pairWidth + Gap)), head + (place / PairsInRow * rowHeight));
            for (var half = 0; half < 2; half++)
            {
                var random = RandomStreams.View(config.Seed, 0, index, half);
                transform.Write(image, ref random, view);
                Paint(transform, view, sheet, left + (half * (side + HalfGap)), top, times);
            }

            Write(sheet, left, top + side + 1, data.NameOf(index), Quiet, NameSize, pairWidth);
            place++;
        }

        return sheet;
    }

    private static void Write(
        ImageBuffer sheet, int left, int top, string text, (byte, byte, byte) color, int size, int width) =>
        PictureText.Draw(sheet, left, top, PictureText.Cut(text, width, size), color, size);

    private static ImageBuffer? TryRead(IImageDataset data, int index)
    {
        try
        {
            return data.Read(index).Image;
        }
        catch (BrokenImageException)
        {
            return null;
        }
    }

    // Each pixel of the view becomes a square of pixels.
    private static void Paint(ViewTransform transform, float[] view, ImageBuffer sheet, int left, int top, int times)
    {
        var side = times * transform.Size;
        for (var i = 0; i < 3 * side * side; i++)
        {
            var (x, y, channel) = (i / 3 % side, i / 3 / side, i % 3);
            var value = view[(3 * ((y / times * transform.Size) + (x / times))) + channel];
            sheet.Pixels[(3 * (((top + y) * sheet.Width) + left + x)) + channel] =
                transform.Normalize.Invert(value, channel);
        }
    }
}
