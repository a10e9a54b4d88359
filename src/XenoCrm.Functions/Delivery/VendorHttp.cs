using System.Text.Json;

namespace XenoCrm.Delivery;

/// <summary>What is the same with every vendor that is asked over HTTP: which failures leave it open whether it has the messages.</summary>
internal static class VendorHttp
{
    public const string ClientName = "vendor";

    /// <summary>Whoever is not connected by then has got nothing, which cannot be said of a time-out later on.</summary>
    public static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(3);

    /// <param name="ask">The whole exchange, within <paramref name="timeout"/>.</param>
    /// <exception cref="VendorException">It failed.</exception>
    public static async Task<T> AskAsync<T>(TimeSpan timeout, Func<CancellationToken, Task<T>> ask, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            return await ask(limit.Token);
        }
        catch (OperationCanceledException exception) when (exception.InnerException is TimeoutException && !limit.IsCancellationRequested)
        {
            // The clients have no other time-out than that of connecting.
            throw new VendorException(VendorFailure.NotTaken, "The vendor cannot be reached.", inner: exception);
        }
        catch (OperationCanceledException exception) when (!cancellation.IsCancellationRequested)
        {
            throw new VendorException(VendorFailure.Ambiguous, "The vendor did not answer in time.", inner: exception);
        }
        catch (HttpRequestException exception)
        {
            var failure = exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError
                ? VendorFailure.NotTaken : VendorFailure.Ambiguous;
            throw new VendorException(failure, "The vendor cannot be reached.", inner: exception);
        }
        catch (Exception exception) when (exception is JsonException or IOException)
        {
            throw new VendorException(VendorFailure.Ambiguous, "The vendor's answer cannot be read.", inner: exception);
        }
    }

    /// <summary>
    /// For an answer that is no success and says nothing about a single message. 429 and 503 are answered before anything
    /// is taken, and 4xx is about the request (a wrong key, an unknown path): waiting, and asking again once someone has
    /// mended it, loses nothing. Any other 5xx may come after the messages were taken.
    /// </summary>
    public static VendorException Refused(HttpResponseMessage response, TimeSpan? retryAfter = null) => new(
        (int)response.StatusCode is 503 or < 500 ? VendorFailure.NotTaken : VendorFailure.Ambiguous,
        $"The vendor answered {(int)response.StatusCode}.",
        retryAfter ?? response.Headers.RetryAfter?.Delta);

    public static bool IsAddress(string? text) => Uri.TryCreate(text, UriKind.Absolute, out var address) && (address.Scheme is "http" or "https");
}
