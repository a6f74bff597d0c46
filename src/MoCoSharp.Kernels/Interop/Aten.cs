using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// Operations of libtorch that TorchSharp does not offer, called through libtorch's stable C interface.
/// </summary>
/// <remarks>
/// torch/csrc/stable/c/shim.h of libtorch 2.10: each argument takes one 8-byte slot of a stack. A slot holds numbers
/// and booleans by value, tensors and lists as handles that the call takes over, and 0 for an absent optional.
/// </remarks>
internal static unsafe partial class Aten
{
    private const string Library = "torch_cpu";
    private const ulong Version = (2UL << 56) | (10UL << 48); // of the calling conventions, not of the library

    /// <summary>
    /// v = momentum v + gradient + weightDecay p; p -= learningRate v: each tensor is read and written once.
    /// </summary>
    /// <param name="parameters">Changed in place.</param>
    /// <param name="gradients">As many, of the same shapes, types and layouts.</param>
    /// <param name="velocities">As many, changed in place.</param>
    /// <param name="learningRate">0 or more.</param>
    /// <param name="momentum">0 to 1.</param>
    /// <param name="weightDecay">0 or more.</param>
    public static void FusedSgd(
        IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> gradients, IReadOnlyList<Tensor> velocities,
        double learningRate, double momentum, double weightDecay)
    {
        // (Tensor[] self, Tensor[] grads, Tensor[] momentum_buffer_list, *, float weight_decay, float momentum,
        //  float lr, float dampening, bool nesterov, bool maximize, bool is_first_step, Tensor? grad_scale,
        //  Tensor? found_inf) -> ()
        Span<ulong> stack =
        [
            List(parameters), List(gradients), List(velocities),
            Number(weightDecay), Number(momentum), Number(learningRate), Number(0),
            Boolean(false), Boolean(false), Boolean(false), 0, 0,
        ];
        Call("aten::_fused_sgd_", stack);
    }

    /// <summary>x wᵀ by oneDNN's linear layer.</summary>
    /// <param name="x">Float32, on the CPU. Shape [N, C].</param>
    /// <param name="w">The same. Shape [M, C].</param>
    /// <returns>Shape [N, M].</returns>
    public static Tensor Linear(Tensor x, Tensor w)
    {
        // (Tensor X, Tensor W, Tensor? B, str attr, Scalar?[] scalars, str? algorithm) -> Tensor; "none": nothing
        // follows the product
        nint product;
        fixed (byte* none = "none\0"u8, empty = "\0"u8)
        {
            var algorithm = empty;
            Check(
                aoti_torch_cpu__linear_pointwise(x.Handle, w.Handle, null, none, null, 0, &algorithm, &product),
                "a product");
        }

        GC.KeepAlive(x);
        GC.KeepAlive(w);
        return Tensor.UnsafeCreateTensor(product);
    }

    /// <summary>torch.bmm with its argument out.</summary>
    /// <param name="left">On the CPU. Shape [B, N, C].</param>
    /// <param name="right">Of the same type. Shape [B, C, M].</param>
    /// <param name="products">Written. Of the same type. Shape [B, N, M].</param>
    public static void BatchedProduct(Tensor left, Tensor right, Tensor products)
    {
        Check(aoti_torch_cpu_bmm_out(products.Handle, left.Handle, right.Handle), "products of matrices");
        GC.KeepAlive(left);
        GC.KeepAlive(right);
        GC.KeepAlive(products);
    }

    private static void Call(string operation, Span<ulong> stack)
    {
        var name = Marshal.StringToCoTaskMemUTF8(operation);
        try
        {
            byte overload = 0; // the unnamed overload
            fixed (ulong* slots = stack)
            {
                Check(torch_call_dispatcher((byte*)name, &overload, slots, Version), operation);
            }
        }
        finally
        {
            Marshal.FreeCoTaskMem(name);
        }
    }

    private static ulong Number(double value) => BitConverter.DoubleToUInt64Bits(value);

    private static ulong Boolean(bool value) => value ? 1UL : 0;

    private static ulong List(IReadOnlyList<Tensor> tensors)
    {
        Check(torch_new_list_reserve_size((nuint)tensors.Count, out var list), "a list of tensors");
        foreach (var tensor in tensors)
        {
            // A second handle to the same tensor, which the call takes over
            Check(aoti_torch_new_tensor_handle(tensor.Handle, out var copy), "a tensor");
            Check(torch_list_push_back(list, (ulong)copy), "a list of tensors");
            GC.KeepAlive(tensor);
        }

        return (ulong)list;
    }

    private static void Check(int status, string what)
    {
        if (status != 0)
        {
            throw new InvalidOperationException($"libtorch refused {what}; it has written its reason to stderr.");
        }
    }

    [LibraryImport(Library)]
    private static partial int torch_call_dispatcher(byte* name, byte* overload, ulong* stack, ulong version);

    [LibraryImport(Library)]
    private static partial int aoti_torch_new_tensor_handle(nint original, out nint handle);

    [LibraryImport(Library)]
    private static partial int aoti_torch_cpu__linear_pointwise(
        nint x, nint w, nint* bias, byte* attribute, double** scalars, long scalarCount, byte** algorithm,
        nint* product);

    [LibraryImport(Library)]
    private static partial int aoti_torch_cpu_bmm_out(nint products, nint left, nint right);

    [LibraryImport(Library)]
    private static partial int torch_new_list_reserve_size(nuint size, out nint list);

    [LibraryImport(Library)]
    private static partial int torch_list_push_back(nint list, ulong item);
}
