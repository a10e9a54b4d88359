namespace XenoCrm.AppHost;

/// <summary>Where this working copy and its build output are, found from where this assembly lies.</summary>
public static class Repository
{
    /// <summary>The folder with <c>XenoCrm.Functions.sln</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The built assembly of another project, of the same configuration as this one.</summary>
    public static string Assembly(string project, string assembly)
    {
        // <artifacts>/bin/<Project>/<configuration>/: the layout that UseArtifactsOutput gives every project.
        var own = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var path = Path.Combine(own.Parent!.Parent!.FullName, project, own.Name, assembly + ".dll");
        return File.Exists(path)
            ? path
            : throw new LocalException($"{project} has not been built: {path} is missing. Run `dotnet build {project}` or start through `dotnet run --project src/XenoCrm.AppHost`.");
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "XenoCrm.Functions.sln")))
                return folder.FullName;
        }
        throw new LocalException($"No folder above {AppContext.BaseDirectory} holds XenoCrm.Functions.sln: run the AppHost from its build output.");
    }
}
