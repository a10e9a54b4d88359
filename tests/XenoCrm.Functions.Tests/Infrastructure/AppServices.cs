using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NSubstitute;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Infrastructure;

/// <summary>What the app registers, with settings of a test's choice: every AddX that Program.cs calls.</summary>
internal static partial class AppServices
{
    public static readonly Assembly App = typeof(PlatformFeature).Assembly;

    private static readonly HashSet<string> Called =
        [.. Add().Matches(File.ReadAllText(Path.Combine(AppHost.Repository.Root, "src", "XenoCrm.Functions", "Program.cs"))).Select(m => m.Groups["name"].Value)];

    public static ServiceCollection With(IConfiguration configuration)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(configuration);
        var production = Substitute.For<IHostEnvironment>();
        production.EnvironmentName.Returns(Environments.Production);
        services.AddSingleton(production);
        foreach (var add in Features)
        {
            add.Invoke(null, [.. add.GetParameters().Select(p =>
                p.ParameterType == typeof(IConfiguration) ? configuration : p.ParameterType == typeof(Assembly) ? App : (object)services)]);
        }

        return services;
    }

    public static IReadOnlyList<ContainerDefinition> Containers { get; } =
    [
        .. With(new ConfigurationBuilder().Build()).Where(s => s.ServiceType == typeof(ContainerDefinition))
            .Select(s => s.ImplementationInstance.ShouldBeOfType<ContainerDefinition>()).OrderBy(d => d.Name, StringComparer.Ordinal),
    ];

    private static IEnumerable<MethodInfo> Features =>
        from type in App.GetTypes()
        where type is { IsAbstract: true, IsSealed: true }
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Static)
        where method.ReturnType == typeof(IServiceCollection) && Called.Contains(method.Name)
        orderby type.Name != nameof(PlatformFeature), type.Name
        select method;

    [GeneratedRegex(@"^\s*\.(?<name>Add\w+)\(", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Add();
}
