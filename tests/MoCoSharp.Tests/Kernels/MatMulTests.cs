using CsCheck;
using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Kernels;

public sealed class MatMulTests
{
    // Odd sizes are where oneDNN's kernels have tails, and where its convolutions were seen to be wrong.
    [Fact]
    public void Products_OfAnyShape_AreThoseOfDoubles() => Gen
        .Select(Gen.Int[1, 70], Gen.Int[1, 70], Gen.Int[1, 300], Gen.Bool).Sample(
        (n, m, c, turned) =>
        {
            using var scope = NewDisposeScope();
            using var random = new Generator((ulong)((n * 100_003) + (m * 307) + c));
            var rows = randn([n, c], generator: random);
            var columns = turned ? randn([c, m], generator: random).t() : randn([m, c], generator: random);

            var product = MatMul.TimesTransposed(rows, columns);

            var expected = rows.to(float64).mm(columns.to(float64).t());
            Assert.Equal([n, m], product.shape);
            Assert.True(product.is_contiguous());
            Assert.True((product.to(float64) - expected).abs().max().item<double>() < 1e-5 * c);
        },
        iter: 200, threads: 1);

    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    public void OtherTypes_KeepTheirType(ScalarType type)
    {
        using var scope = NewDisposeScope();

        var product = MatMul.TimesTransposed(ones([2, 3], dtype: type), ones([4, 3], dtype: type));

        Assert.Equal(type, product.dtype);
        Assert.Equal(3, product[1, 3].to(float32).item<float>());
    }

    [Fact]
    public void Shapes_ThatDoNotFit_AreRefusedAndNothingIsEmptyByAccident()
    {
        using var scope = NewDisposeScope();

        var error = Assert.Throws<ArgumentException>(() => MatMul.TimesTransposed(ones(2, 3), ones(4, 5)));
        Assert.Contains("[2, 3] and [4, 5]", error.Message);
        Assert.Equal([0, 4], MatMul.TimesTransposed(ones(0, 3), ones(4, 3)).shape);
    }

    [Fact]
    public void AProduct_LeavesNoTensorAlive()
    {
        using var outer = NewDisposeScope();
        var (rows, columns) = (ones(3, 4), ones(5, 4));
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        using (NewDisposeScope())
        {
            MatMul.TimesTransposed(rows, columns);
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
