using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;

namespace XenoCrm.Local.FunctionsRuntime.Http;

/// <summary>
/// Access keys. Core Tools does not ask for them, Azure does; here they are asked for as soon as any is configured:
/// <c>FunctionKeys:Master</c>, <c>FunctionKeys:Host:NAME</c>, <c>FunctionKeys:System:NAME</c> and
/// <c>FunctionKeys:Functions:FUNCTION:NAME</c>. The caller sends one as the header <c>x-functions-key</c> or as
/// <c>?code=</c>.
/// </summary>
internal sealed class FunctionKeys(IConfiguration configuration)
{
    private readonly IConfigurationSection _keys = configuration.GetSection("FunctionKeys");

    /// <summary>The check for one function, or null when anyone may call it.</summary>
    public Func<HttpRequest, bool>? For(string function, AuthorizationLevel level)
    {
        if (level == AuthorizationLevel.Anonymous || !_keys.Exists())
            return null;
        List<string?> accepted = [_keys["Master"]];
        if (level == AuthorizationLevel.System)
            accepted.AddRange(Values("System"));
        if (level is AuthorizationLevel.Function or AuthorizationLevel.User)
            accepted.AddRange([.. Values("Host"), .. Values("Functions:" + function)]);
        // Compared as hashes: equal lengths, so the time taken says nothing about the key.
        var hashes = accepted.Where(k => !string.IsNullOrEmpty(k)).Select(k => Hash(k!)).ToArray();
        return request => Sent(request) is { } key && hashes.Any(h => CryptographicOperations.FixedTimeEquals(h, Hash(key)));
    }

    private IEnumerable<string?> Values(string section) => _keys.GetSection(section).GetChildren().Select(k => k.Value);

    private static string? Sent(HttpRequest request)
        => request.Headers.TryGetValue("x-functions-key", out var header) ? header.ToString()
            : request.Query.TryGetValue("code", out var code) ? code.ToString() : null;

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
