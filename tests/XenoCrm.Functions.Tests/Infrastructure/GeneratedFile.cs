using XenoCrm.AppHost;

namespace XenoCrm.Infrastructure;

/// <summary>A file of the repository that is written from the code, so that it cannot say something else.</summary>
internal static class GeneratedFile
{
    private const string Variable = "XENO_REGENERATE";

    public static readonly string Command = $"{Variable}=1 dotnet run --project tests/XenoCrm.Functions.Tests -- -class \"*{nameof(GeneratedFileTests)}\"";

    public static void ShouldBe(string path, string content)
    {
        var file = Path.Combine(Repository.Root, path);
        if (Environment.GetEnvironmentVariable(Variable) == "1")
        {
            File.WriteAllText(file, content);
            return;
        }

        var stored = File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "";
        if (stored != content)
        {
            Assert.Fail($"{path} is not what the code says any more ({FirstDifference(stored, content)}). Write it anew: {Command}");
        }
    }

    private static string FirstDifference(string stored, string content)
    {
        var (was, now) = (stored.Split('\n'), content.Split('\n'));
        var line = Enumerable.Range(0, Math.Max(was.Length, now.Length)).First(i => was.ElementAtOrDefault(i) != now.ElementAtOrDefault(i));
        return $"line {line + 1} is '{was.ElementAtOrDefault(line)}', should be '{now.ElementAtOrDefault(line)}'";
    }
}
