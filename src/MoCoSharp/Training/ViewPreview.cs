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
    private const int Gap = 4; // pixels, white
    private const int MostTried = 1000; // if images cannot be read

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

    /// <summary>Draws the sheet: query and key side by side, four pairs per row.</summary>
    public static ImageBuffer Draw(IImageDataset data, ViewTransform transform, RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(transform);
        ArgumentNullException.ThrowIfNull(config);
        var size = transform.Size;
        var width = (PairsInRow * ((2 * size) + Gap)) + Gap;
        var height = (Rows * (size + Gap)) + Gap;
        var sheet = new ImageBuffer(width, height, new byte[3 * width * height]);
        sheet.Pixels.AsSpan().Fill(255);
        var view = new float[3 * size * size];
        for (int index = 0, place = 0; index < Math.Min(data.Count, MostTried) && place < Rows * PairsInRow; index++)
        {
            if (TryRead(data, index) is not { } image)
            {
                continue; // training reports bad images
            }

            for (var half = 0; half < 2; half++)
            {
                var random = RandomStreams.View(config.Seed, 0, index, half);
                transform.Write(image, ref random, view);
                var left = Gap + (place % PairsInRow * ((2 * size) + Gap)) + (half * size);
                var top = Gap + (place / PairsInRow * (size + Gap));
                Paint(transform, view, sheet, left, top);
            }

            place++;
        }

        return sheet;
    }

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

    private static void Paint(ViewTransform transform, float[] view, ImageBuffer sheet, int left, int top)
    {
        var size = transform.Size;
        for (var i = 0; i < view.Length; i++)
        {
            var (pixel, channel) = (i / 3, i % 3);
            var at = 3 * (((top + (pixel / size)) * sheet.Width) + left + (pixel % size));
            sheet.Pixels[at + channel] = transform.Normalize.Invert(view[i], channel);
        }
    }
}
