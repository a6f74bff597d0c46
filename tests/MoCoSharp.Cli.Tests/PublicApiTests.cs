using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using PublicApiGenerator;

namespace MoCoSharp.Cli.Tests;

/// <summary>The public API of each package, recorded in api/, so that a change of it shows in a diff.</summary>
public sealed partial class PublicApiTests
{
    private static readonly Assembly[] Packages =
    [
        typeof(Data.Images.ImageDecoder).Assembly,
        typeof(PyTorch.TorchFile).Assembly,
        typeof(TorchRuntime).Assembly,
        typeof(Distributed.IProcessGroup).Assembly,
        typeof(Encoders.TrainedEncoder).Assembly,
        typeof(MoCoSharp.Detection.Transfer.DetectionTransfer).Assembly,
    ];

    public static TheoryData<string> Names() => [.. Packages.Select(package => package.GetName().Name!)];

    // After an intended change: MOCO_UPDATE_API=1 dotnet test tests/MoCoSharp.Cli.Tests, then read the diff of api/.
    [Theory]
    [MemberData(nameof(Names))]
    public void ThePublicApi_IsTheRecordedOne(string package)
    {
        var file = Path.Combine(DocumentationTests.Root(), "tests", "MoCoSharp.Cli.Tests", "api", $"{package}.txt");
        var actual = Api(Find(package));
        if (Environment.GetEnvironmentVariable("MOCO_UPDATE_API") is { Length: > 0 })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, actual);
        }

        Assert.Equal(File.ReadAllText(file), actual);
    }

    [Fact]
    public void EveryPublicType_IsUsedByTheProgram_ASample_APage_OrAnotherPublicType()
    {
        var types = Packages.SelectMany(package => package.GetExportedTypes()).Where(type => !type.IsNested).ToList();
        var words = DocumentationTests.SourceFiles("src/MoCoSharp.Cli", "samples", "bench").Select(File.ReadAllText)
            .Concat(DocumentationTests.Pages().SelectMany(page => DocumentationTests.Blocks(page, "csharp"))
                .Select(block => string.Join('\n', block)))
            .SelectMany(text => Word().Matches(text))
            .Select(match => match.Value)
            .ToHashSet(StringComparer.Ordinal);
        var signatures = types.SelectMany(type => Mentioned(type).Where(other => other != type)).ToHashSet();

        var unused = types.Where(type => !words.Contains(type.Name.Split('`')[0]) && !signatures.Contains(type));

        var names = unused.Where(type => !IsExtensions(type)).Select(type => type.FullName);
        Assert.False(names.Any(), $"Nobody uses {string.Join(", ", names)}: make them internal.");
    }

    // docs/decisions/030-public-types.md says what for.
    [Fact]
    public void TheProgram_UsesOnlyTheInternalTypesThatItMay()
    {
        using var file = new PEReader(File.OpenRead(typeof(ExitCode).Assembly.Location));
        var program = file.GetMetadataReader();
        var shown = Packages.SelectMany(package => package.GetExportedTypes())
            .Select(type => type.FullName).ToHashSet(StringComparer.Ordinal);

        var used = program.TypeReferences.Select(program.GetTypeReference)
            .Where(type => type.ResolutionScope.Kind == HandleKind.AssemblyReference)
            .Where(type => Packages.Any(package => package.GetName().Name == program.GetString(
                program.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name)))
            .Select(type => $"{program.GetString(type.Namespace)}.{program.GetString(type.Name)}");

        Assert.Equal(
            [
                "EnumNames", "EvenSpread", "FileSignature", "ImageList", "NearestWord", "Patterns", "RealPath",
                "RequiredJson", "SharedImages", "Shell", "TurnedImages",
            ],
            used.Where(name => !shown.Contains(name)).Select(name => name.Split('.')[^1]).Order());
    }

    // Nobody writes the name of a class of extension methods.
    private static bool IsExtensions(Type type) =>
        type.GetMethods().Any(method => method.IsDefined(typeof(ExtensionAttribute), inherit: false));

    private static IEnumerable<Type> Mentioned(Type type) => type
        .GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
        .SelectMany(member => member switch
        {
            MethodBase method => method.GetParameters().Select(parameter => parameter.ParameterType)
                .Append((method as MethodInfo)?.ReturnType ?? typeof(void)),
            PropertyInfo property => [property.PropertyType],
            FieldInfo field => [field.FieldType],
            EventInfo item => [item.EventHandlerType!],
            _ => [],
        })
        .Concat(type.GetInterfaces())
        .Append(type.BaseType ?? typeof(object))
        .SelectMany(Parts);

    // List<(A, B[])> is made of List, ValueTuple, A and B.
    private static IEnumerable<Type> Parts(Type type) => type.HasElementType
        ? Parts(type.GetElementType()!)
        : type.GetGenericArguments().SelectMany(Parts)
            .Append(type.IsGenericType ? type.GetGenericTypeDefinition() : type);

    private static Assembly Find(string package) => Packages.Single(item => item.GetName().Name == package);

    private static string Api(Assembly package) =>
        package.GeneratePublicApi(new() { IncludeAssemblyAttributes = false }).ReplaceLineEndings("\n") + "\n";

    [GeneratedRegex(@"\w+", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Word();
}
