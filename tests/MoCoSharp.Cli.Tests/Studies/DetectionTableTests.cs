using MoCoSharp.Cli.Studies;

namespace MoCoSharp.Cli.Tests.Studies;

public sealed class DetectionTableTests
{
    [Fact]
    public void ATable_HasMeansDeviationsAndDifferencesFromSupervised()
    {
        var table = DetectionTable.Markdown(
            ["random", "supervised", "moco"],
            [
                ("random", 0.6, 0.3, 0.3), ("supervised", 0.80, 0.50, 0.50), ("supervised", 0.82, 0.54, 0.50),
                ("moco", 0.815, 0.559, 0.626), ("moco", 0.815, 0.559, double.NaN),
            ],
            ["steps 5 (protocol: 24000)"]);

        // The deviation of 80 and 82 is sqrt(2).
        Assert.Contains("| random | 60.0 (-21.0) | 30.0 (-22.0) | 30.0 (-20.0) | 1 |\n", table);
        Assert.Contains("| supervised | 81.0 ± 1.4 | 52.0 ± 2.8 | 50.0 ± 0.0 | 2 |\n", table);
        Assert.Contains("| moco | 81.5 ± 0.0 (+0.5) | 55.9 ± 0.0 (+3.9) | 62.6 (+12.6) | 2 |\n", table);
        Assert.Contains("Not the protocol: steps 5 (protocol: 24000).\n", table);
    }
}
