using MoCoSharp.Kernels;
using Mono.Cecil;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Kernels;

/// <summary>No number may be freed while libtorch reads it (see <see cref="Scalars"/>).</summary>
public sealed class ScalarsTests
{
    [Theory]
    [InlineData("MoCoSharp.Kernels", "MoCoSharp.Kernels.Scalars")]
    [InlineData("MoCoSharp.Distributed", "MoCoSharp.Distributed.ThreadGroup/Held")]
    [InlineData("MoCoSharp.PyTorch", null)]
    [InlineData("MoCoSharp", null)]
    [InlineData("MoCoSharp.Detection", null)]
    public void ALibrary_HoldsEveryNumberThatItGivesToLibtorch(string library, string? holder)
    {
        using var torchSharp = AssemblyDefinition.ReadAssembly(typeof(torch).Assembly.Location);
        var unheld = CallersOfConversion(torchSharp);
        using var ours = AssemblyDefinition.ReadAssembly(System.Reflection.Assembly.Load(library).Location);

        var calls = ours.MainModule.GetTypes().SelectMany(type => type.Methods)
            .Where(method => method.HasBody && method.DeclaringType.FullName != holder)
            .SelectMany(method => Calls(method)
                .Where(called => IsConversion(called) || unheld.Contains(called.FullName))
                .Select(called => $"{method.DeclaringType.FullName}.{method.Name} calls {Signature(called)}"))
            .Distinct().Order(StringComparer.Ordinal);

        // Cure: Held(0.5) for 0.5, a.add(b, One) for a + b, a.add_(b, One) for a.add_(b), and so on.
        Assert.Equal([], calls);
        Assert.Contains(unheld, name => name.Contains("add_(TorchSharp.torch/Tensor)")); // the rule finds something
    }

    [Fact]
    public void HeldNumbers_AreRead_ThoughTheCollectorNeverRests()
    {
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        using var scope = NewDisposeScope();
        var (sum, one) = (zeros(16), ones(16));
        var wrong = 0;
        for (var i = 0; i < 20_000; i++)
        {
            using var step = NewDisposeScope();
            sum.zero_();
            sum.add_(one, alpha: Scalars.Held(0.5)).add_(one, Scalars.One);
            wrong += sum.data<float>()[7] == 1.5f ? 0 : 1;
        }

        stop.Cancel();
        collector.Join();
        Assert.Equal(0, wrong);
        Assert.Equal(3L, Scalars.Held(3L).ToInt64());
    }

    // Methods of TorchSharp's tensors and functions that make a number of their own, directly or through another of
    // them.
    private static HashSet<string> CallersOfConversion(AssemblyDefinition torchSharp)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        var methods = torchSharp.MainModule.GetTypes()
            .Where(type => type.FullName is "TorchSharp.torch" or "TorchSharp.torch/Tensor"
                or "TorchSharp.torch/nn/functional" or "TorchSharp.torch/linalg" or "TorchSharp.ScalarExtensionMethods")
            .SelectMany(type => type.Methods).Where(method => method.HasBody && !Prints(method)).ToList();
        for (var size = -1; size < found.Count;)
        {
            size = found.Count;
            found.UnionWith(methods
                .Where(method => Calls(method).Any(called => IsConversion(called) || found.Contains(called.FullName)))
                .Select(method => method.FullName));
        }

        return found;
    }

    private static IEnumerable<MethodReference> Calls(MethodDefinition method) =>
        method.Body.Instructions.Select(instruction => instruction.Operand).OfType<MethodReference>();

    private static string Signature(MethodReference method) =>
        $"{method.Name}({string.Join(", ", method.Parameters.Select(parameter => parameter.ParameterType.Name))})";

    private static bool Prints(MethodDefinition method) =>
        method.Name.Contains("String") || method.Name.Contains("BuildRow") || method.Name == "str";

    // From a number to a Scalar; the other way, as item() takes it, is safe.
    private static bool IsConversion(MethodReference called) =>
        called.DeclaringType.FullName == "TorchSharp.Scalar" && called.Name == "op_Implicit";
}
