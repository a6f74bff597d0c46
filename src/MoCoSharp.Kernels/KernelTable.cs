using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text.Json.Nodes;

namespace MoCoSharp.Kernels;

/// <summary>Every fast kernel. Call sites check its rows, so that one switch selects plain libtorch.</summary>
/// <remarks>
/// To add a kernel: add a row, check <see cref="FastKernel.IsOn"/> where it is called, and keep libtorch's operations
/// as the other branch. Test it against float64 with <see cref="KernelSwitches.Override"/>, which runs 512-bit code
/// on any processor. Decision 002 in docs/decisions says what a kernel must gain.
/// </remarks>
internal static class KernelTable
{
    private const string Wide = "vectors of 512 bits";

    /// <summary>3x3 convolutions of many channels by Winograd's tiles of 4 x 4 values, in bfloat16.</summary>
    public static FastKernel Winograd { get; } = new(
        "winograd",
        Applies: "bf16 on a CPU, 3x3 convolution, stride 1, even sides, 128 channels or more in and out",
        Replaces: "conv2d and its gradients",
        Gains: "a step of ResNet-18 in bf16 takes 11 % less time",
        Error: "0.8 % of the norm, against float64",
        Test: "WinogradTests",
        Needs: Wide, Vector512.IsHardwareAccelerated);

    /// <summary>3x3 convolutions of many channels by Winograd's tiles of 6 x 6 values, in float32.</summary>
    public static FastKernel WinogradFp32 { get; } = new(
        "winograd-fp32",
        Applies: "fp32 on a CPU, 3x3 convolution, stride 1, 64 channels or more in and out",
        Replaces: "conv2d and its gradients",
        Gains: "a step of ResNet-18 in fp32 takes 30 % less time with AVX-512",
        Error: "4e-6 of the norm, against float64",
        Test: "WinogradFp32Tests",
        Needs: null, ProcessorHas: true);

    /// <summary>3x3 convolutions of few channels, in float32.</summary>
    public static FastKernel IndirectFp32 { get; } = new(
        "indirect-fp32",
        Applies: "fp32 on a CPU, 3x3 convolution, 16 to 256 channels in and out, a multiple of 16, 5 images or more",
        Replaces: "conv2d and its gradients",
        Gains: "a step of cifar10-30min in fp32 takes 28 % less time with AVX2",
        Error: "1e-6 of the norm, against float64",
        Test: "IndirectConvolutionTests",
        Needs: "AVX2 with FMA and without AVX-512, whose wider vectors libtorch uses",
        Fma.IsSupported && !Avx512F.IsSupported);

    /// <summary>Batch normalization by groups, with shortcut and ReLU, in bfloat16.</summary>
    public static FastKernel BatchNorm { get; } = new(
        "batch-norm",
        Applies: "bf16 on a CPU, in training, channels a multiple of 16",
        Replaces: "batch_norm for each group, cat, add_ and relu_",
        Gains: "a step of ResNet-18 in bf16 with 8 groups takes 13 % less time, and an activation less for each layer",
        Error: "0.4 % of the largest value, against float64",
        Test: "FusedBatchNormBf16Tests",
        Needs: Wide, Vector512.IsHardwareAccelerated);

    /// <summary>The same in float32.</summary>
    public static FastKernel BatchNormFp32 { get; } = new(
        "batch-norm-fp32",
        Applies: "fp32 on a CPU, in training, channels a multiple of 16",
        Replaces: "batch_norm for each group, cat, add_ and relu_",
        Gains: "a step of ResNet-18 in fp32 takes 7 % less time, and of patterns, with 8 groups, 18 %",
        Error: "5e-6 of the largest value, against float64",
        Test: "FusedBatchNormTests",
        Needs: "vectors of 256 bits or more", Vector256.IsHardwareAccelerated);

    /// <summary>One step of the softmax over blocks of keys in InfoNCE.</summary>
    public static FastKernel Softmax { get; } = new(
        "softmax",
        Applies: "fp32 queries on a CPU, fp32 or bf16 queue",
        Replaces: "amax, sub_, exp_, sum and gt of each block of logits",
        Gains: "InfoNCE reads each logit from the cache twice, not from memory five times",
        Error: "1e-5 of the sum, against float64",
        Test: "RunningSoftmaxTests",
        Needs: null, ProcessorHas: true);

    /// <summary>Products of matrices by oneDNN.</summary>
    public static FastKernel MatMul { get; } = new(
        "matmul",
        Applies: "fp32 on a CPU, for products without a gradient of their own",
        Replaces: "mm",
        Gains: "two to three times the rate of mm on AMD processors",
        Error: "2e-5 of the largest value, against float64",
        Test: "MatMulTests",
        Needs: null, ProcessorHas: true);

    /// <summary>1x1 convolutions as one matrix product, also in the gradients.</summary>
    public static FastKernel Linear { get; } = new(
        "linear",
        Applies: "1x1 convolutions, and 3x3 ones of a single pixel",
        Replaces: "linear and its gradients",
        Gains: "products by matmul; in bf16 the weight gradient of 8,192 rows or more runs in 4 parts at once",
        Error: "2e-5 in fp32 and 2 % in bf16 of the largest value, against float64",
        Test: "LinearProductTests",
        Needs: null, ProcessorHas: true);

    /// <summary>SGD in one pass over memory.</summary>
    public static FastKernel Sgd { get; } = new(
        "sgd",
        Applies: "the optimizer sgd",
        Replaces: "add, mul_ and add_ of every parameter",
        Gains: "each parameter, gradient and velocity is read once and written once",
        Error: "1e-6 of the parameter, against float64",
        Test: "SgdTests",
        Needs: null, ProcessorHas: true);

    /// <summary>All of them, in the order of a step.</summary>
    public static IReadOnlyList<FastKernel> All { get; } =
        [Winograd, WinogradFp32, IndirectFp32, BatchNorm, BatchNormFp32, Linear, Softmax, MatMul, Sgd];

    /// <summary>The state of each kernel under its name, for a run's environment.json.</summary>
    public static JsonObject States() =>
        new(All.Select(kernel => KeyValuePair.Create(kernel.Name, (JsonNode?)kernel.State)));

    /// <summary>The whole table, for users.</summary>
    public static JsonArray Describe() => new([.. All.Select(kernel => new JsonObject
    {
        ["name"] = kernel.Name,
        ["state"] = kernel.State,
        ["applies"] = kernel.Applies,
        ["replaces"] = kernel.Replaces,
        ["gains"] = kernel.Gains,
        ["error"] = kernel.Error,
        ["test"] = kernel.Test,
    })]);
}
