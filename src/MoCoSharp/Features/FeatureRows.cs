using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>A matrix with a row for each image of a data set, filled in any order. Rows may stay empty.</summary>
internal sealed class FeatureRows : IDisposable
{
    private readonly bool[] _has;
    private readonly int _width;
    private readonly nint _memory; // of _values: native, so it does not move
    private Tensor? _values;

    /// <summary>A matrix without filled rows.</summary>
    /// <param name="count">M.</param>
    /// <param name="width">D, above 0.</param>
    public FeatureRows(int count, int width)
    {
        _has = new bool[count];
        _width = width;
        _values = empty([Math.Max(1, count), width], dtype: float32).DetachFromDisposeScope();
        _memory = Address(_values);
    }

    /// <summary>The address of the first value of a matrix on the CPU.</summary>
    /// <param name="matrix">float32 and contiguous. Shape [M, D] with M and D above 0.</param>
    public static unsafe nint Address(Tensor matrix)
    {
        using var scope = NewDisposeScope();
        fixed (byte* memory = matrix.narrow(0, 0, 1).bytes) // one row: a span is limited to 2 GB
        {
            return (nint)memory;
        }
    }

    /// <summary>The number of filled rows.</summary>
    public int Count => _has.Count(has => has);

    /// <summary>Whether a row is filled.</summary>
    /// <param name="index">0 to M - 1.</param>
    public bool Has(int index) => _has[index];

    /// <summary>The values of a row. Length D.</summary>
    /// <param name="index">0 to M - 1.</param>
    public ReadOnlySpan<float> Row(int index) => Memory(index);

    /// <summary>Fills a row.</summary>
    /// <param name="index">0 to M - 1.</param>
    /// <param name="values">Length D.</param>
    public void Fill(int index, ReadOnlySpan<float> values)
    {
        values.CopyTo(Memory(index));
        _has[index] = true;
    }

    /// <summary>Moves the filled rows together, and gives them away. The matrix must not be used afterwards.</summary>
    /// <returns>The filled rows, [M', D], and the index of each. The caller disposes the tensor.</returns>
    public (Tensor Values, int[] Indices) Take()
    {
        int[] indices = [.. Enumerable.Range(0, _has.Length).Where(index => _has[index])];
        for (var row = 0; row < indices.Length; row++)
        {
            if (indices[row] != row)
            {
                Memory(indices[row]).CopyTo(Memory(row));
            }
        }

        using var whole = _values!;
        _values = null;
        return (whole.narrow(0, 0, indices.Length).DetachFromDisposeScope(), indices); // shares the memory
    }

    public void Dispose() => _values?.Dispose();

    private unsafe Span<float> Memory(int index)
    {
        ObjectDisposedException.ThrowIf(_values is null, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_has.Length);
        return new((float*)_memory + ((long)index * _width), _width);
    }
}
