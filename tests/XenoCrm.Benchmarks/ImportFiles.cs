using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Imports;
using XenoCrm.Orders;
using XenoCrm.Platform;

namespace XenoCrm.Benchmarks;

/// <summary>Customers of 12 columns and their orders: as CSV, and as the items that an import makes of them. The same in every run.</summary>
internal sealed class ImportFiles(int rows)
{
    private const int OrdersPerCustomer = 4;

    private static readonly string[] First = ["Anna", "Béla", "Chen", "Dalia", "Eero", "Fatima", "Güneş", "Hana"];
    private static readonly string[] Last = ["Meier", "Ng", "O'Neil", "Petrov", "Quispe", "Rossi", "Sato", "Tan"];
    private static readonly string[] Cities = ["Bern", "Köln", "Łódź", "Oslo", "Porto", "Graz", "Lyon", "Turin"];
    private static readonly string[] Countries = ["CH", "DE", "PL", "NO", "PT", "AT", "FR", "IT"];

    /// <summary>Rows in the order of the import; of each customer of a run the last with how many it has there.</summary>
    private readonly (int Row, int OfRun)[] _arranged = new (int, int)[rows];
    private readonly AddressHasher _hasher = new(Options.Create(new WorkspaceOptions { AddressKey = Convert.ToBase64String(new byte[32]) }));

    public void WriteCustomers(string file)
    {
        using var writer = new StreamWriter(file, append: false, new UTF8Encoding(false), 1 << 16);
        writer.Write("Customer ID,First Name,Last Name,Email,Phone,City,Country,Postal Code,Company,Language,Birthday,Tags\n");
        for (var i = 0; i < rows; i++)
            writer.Write(string.Create(CultureInfo.InvariantCulture, $"C{i:D7},{First[i % 8]},{Last[i / 8 % 8]},{Email(i)},{Phone(i)},{Cities[i % 8]},{Countries[i % 8]},{1000 + (i % 9000)},Company {i % 5000},{Language(i)},{Birthday(i):yyyy-MM-dd},import|t{i % 20}\n"));
    }

    public void WriteOrders(string file)
    {
        using var writer = new StreamWriter(file, append: false, new UTF8Encoding(false), 1 << 16);
        writer.Write("Order ID,Customer ID,Order Date,Amount,Status\n");
        for (var i = 0; i < rows; i++)
            writer.Write(string.Create(CultureInfo.InvariantCulture, $"O{i:D7},C{Buyer(i):D7},{PlacedAt(i):yyyy-MM-ddTHH:mm:ssZ},{Cents(i) / 100}.{Cents(i) % 100:00},paid\n"));
    }

    /// <summary>A customer and its three keys.</summary>
    public IEnumerable<(string Container, byte[] Item, PartitionKey Key)> CustomerItems(int i)
    {
        var customer = Customer(i);
        yield return (CustomerStore.ContainerName, Json(customer), new PartitionKey(customer.Id));
        foreach (var key in _hasher.KeysOf(customer).All)
            yield return (CustomerIdentities.ContainerName, Json(new Identity(key, customer.Id, null)), new PartitionKey(key));
    }

    /// <summary>An order and, after the last of its customer in a run, that one with the new totals: an import writes it once for all of them.</summary>
    /// <param name="at">In the order of the import: see <see cref="ReadRunsAsync"/>.</param>
    public IEnumerable<(string Container, byte[] Item, PartitionKey Key)> OrderItems(int at)
    {
        var (i, ofRun) = _arranged[at];
        var buyer = Buyer(i);
        var key = new PartitionKey(Id(buyer));
        var placed = PlacedAt(i);
        yield return (CustomerStore.ContainerName, Json(new Order { CustomerId = Id(buyer), OrderNumber = $"O{i:D7}", Amount = Cents(i), Currency = "USD", Status = OrderStatus.Paid, PlacedAt = placed, Source = "import", CreatedAt = placed, UpdatedAt = placed }), key);
        if (ofRun > 0)
            yield return (CustomerStore.ContainerName, Json(Customer(buyer) with { TotalSpend = ofRun * Cents(i), OrderCount = ofRun, AverageOrderValue = Cents(i), FirstOrderAt = placed, LastOrderAt = placed, LastActiveAt = placed }), key);
    }

    /// <summary>Reads the file of orders into the runs in which an import writes it.</summary>
    /// <returns>Where each of them ends.</returns>
    public async Task<IReadOnlyList<int>> ReadRunsAsync(string file)
    {
        OpenCsv open = (offset, _) => new(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read) { Position = offset });
        var settings = new ImportSettings();
        var format = await ImportFile.InspectAsync(ImportKind.Orders, settings, open, null, CancellationToken.None);
        var work = new ImportWork("benchmark", ImportKind.Orders, settings, format, open, RunStart.At(format.Start), 1) { Cut = ImportCut.Of(new FileInfo(file).Length, new()) };
        await using var reader = await RunReader.OpenAsync(work, "USD", CancellationToken.None);
        var ends = new List<int>();
        var at = 0;
        ImportRun run;
        do
        {
            run = await reader.ReadAsync(ends.Count + 1, CancellationToken.None);
            var orders = new Dictionary<int, int>();
            foreach (var order in run.Orders)
            {
                // The header is row 1.
                var i = (int)order.Row - 2;
                _arranged[at++] = (i, 0);
                orders[Buyer(i)] = orders.GetValueOrDefault(Buyer(i)) + 1;
            }

            for (var last = at - 1; orders.Count > 0; last--)
                if (orders.Remove(Buyer(_arranged[last].Row), out var count))
                    _arranged[last].OfRun = count;
            ends.Add(at);
        }
        while (run.Next is not null);
        return ends;
    }

    private Customer Customer(int i) => new()
    {
        Id = Id(i), ExternalId = $"C{i:D7}", FirstName = First[i % 8], LastName = Last[i / 8 % 8], Email = Email(i), Phone = Phone(i), PhoneUsable = true,
        City = Cities[i % 8], Country = Countries[i % 8], PostalCode = (1000 + (i % 9000)).ToString(CultureInfo.InvariantCulture), Company = $"Company {i % 5000}",
        Language = Language(i), Birthday = DateOnly.FromDateTime(Birthday(i)), Tags = ["import", $"t{i % 20}"], Source = "import", CreatedAt = DateTimeOffset.UnixEpoch, UpdatedAt = DateTimeOffset.UnixEpoch,
    };

    /// <summary>Random, as in the files of shops: a customer hardly comes twice within a thousand rows.</summary>
    private int Buyer(int i)
    {
        var hash = (ulong)i * 0x9E3779B97F4A7C15;
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9;
        return (int)((hash ^ (hash >> 31)) % (ulong)Math.Max(1, rows / OrdersPerCustomer));
    }

    private static byte[] Json<T>(T item) => JsonSerializer.SerializeToUtf8Bytes(item, Platform.Json.Options);
    private static string Id(int i) => new Guid(i, 7, 7, 1, 2, 3, 4, 5, 6, 7, 8).ToString("N");
    private static string Email(int i) => $"person.{i}@example.com";
    private static string Phone(int i) => $"+4179{i:D7}";
    private static string Language(int i) => i % 2 == 0 ? "de" : "fr";
    private static DateTime Birthday(int i) => new DateTime(1950, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddDays(i % 18_000);
    private static DateTimeOffset PlacedAt(int i) => DateTimeOffset.UnixEpoch.AddYears(55).AddMinutes(i % 500_000);
    private static long Cents(int i) => 100 + (i * 7919L % 50_000);
}
