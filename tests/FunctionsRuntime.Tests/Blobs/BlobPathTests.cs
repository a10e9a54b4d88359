using Azure;
using XenoCrm.Local.FunctionsRuntime.Blobs;
using XenoCrm.Local.FunctionsRuntime.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Blobs;

public class BlobPathTests(AzuriteFixture storage)
{
    [Theory]
    [InlineData("c/{name}", "a/b.csv", "name=a/b.csv")]
    [InlineData("c/{name}.{ext}", "a.tar.gz", "name=a.tar ext=gz")]
    [InlineData("c/imports/{kind}/{name}", "imports/orders/x.csv", "kind=orders name=x.csv")]
    [InlineData("c/{kind}/{name}", "a/b/c.csv", "kind=a/b name=c.csv")]
    [InlineData("c/{{x}}-{name}", "{x}-y", "name=y")]
    [InlineData("c/fixed.csv", "fixed.csv", "")]
    [InlineData("c/{a}-{a}", "1-1", "a=1")]
    [InlineData("c", "anything/at/all", "name=anything/at/all")]
    [InlineData("c/{name}", "with\nline", "name=with\nline")]
    public void Names_match_the_pattern(string path, string blob, string expected)
        => string.Join(' ', BlobPath.Parse(path).Match(blob)!.Select(p => $"{p.Key}={p.Value}")).ShouldBe(expected);

    [Theory]
    [InlineData("c/{name}.csv", "a.txt")]
    [InlineData("c/imports/{name}", "import/a")]
    [InlineData("c/{a}-{a}", "1-2")]
    [InlineData("c/fixed.csv", "fixedXcsv")]
    public void Other_names_do_not(string path, string blob) => BlobPath.Parse(path).Match(blob).ShouldBeNull();

    [Theory]
    [InlineData("{container}/x")]
    [InlineData("/x")]
    [InlineData("c/{name")]
    [InlineData("c/{}")]
    [InlineData("c/{a b}")]
    public void A_path_that_cannot_be_meant_is_refused(string path) => Should.Throw<FunctionsStartException>(() => BlobPath.Parse(path));

    [Fact]
    public void Only_names_with_the_fixed_beginning_are_listed() => BlobPath.Parse("c/imports/{kind}/x").Prefix.ShouldBe("imports/");

    [Fact]
    public async Task The_stream_of_a_blob_is_opened_at_the_first_read()
    {
        var container = storage.Container(AzuriteFixture.Unique("lazy"));
        await container.CreateAsync();
        await using var stream = new LazyBlobStream(container.GetBlobClient("later"));
        stream.Position.ShouldBe(0);
        await container.GetBlobClient("later").UploadAsync(BinaryData.FromString("there now"));

        using var reader = new StreamReader(stream);

        (await reader.ReadToEndAsync()).ShouldBe("there now");
        stream.Seek(6, SeekOrigin.Begin);
        stream.ReadByte().ShouldBe('n');
        stream.Length.ShouldBe(9);
    }

    [Fact]
    public void Receipts_of_names_of_any_length_fit_into_a_name()
    {
        var receipts = new BlobReceipts(storage.Container("azure-webjobs-hosts"), "host", "function", "container");

        receipts.NameOf("a/b", new ETag("\"0x1\"")).ShouldBe("blobreceipts/host/function/0x1/container/a/b");
        var (one, other) = (receipts.NameOf(new string('x', 1024), new ETag("1")), receipts.NameOf(new string('y', 1024), new ETag("1")));
        one.Length.ShouldBeLessThanOrEqualTo(1024);
        one.ShouldNotBe(other);
    }
}
