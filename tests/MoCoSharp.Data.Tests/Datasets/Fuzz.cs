using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Tests.Datasets;

internal static class Fuzz
{
    /// <summary>
    /// Anything but a <see cref="DataSourceException"/> fails the test; what opens must give its labels and names.
    /// </summary>
    public static bool OpensOrIsRefused(Func<IImageDataset> open)
    {
        try
        {
            var set = open();
            for (var i = 0; i < Math.Min(set.Count, 100); i++)
            {
                Assert.InRange(set.LabelOf(i), -1, Math.Max(-1, set.ClassNames.Count - 1));
                Assert.NotEmpty(set.NameOf(i));
            }

            return true;
        }
        catch (DataSourceException error)
        {
            Assert.NotEmpty(error.Message);
            return false;
        }
    }
}
