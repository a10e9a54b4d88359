using System.Globalization;
using System.Text;
using Bogus;
using Bogus.DataSets;

namespace XenoCrm.AppHost.Demo;

/// <summary>
/// Customers and orders for the demo: the same files for the same size, written as they are made. Names come from many
/// scripts; addresses and numbers lead nowhere (example.com and its like, numbers counted up).
/// </summary>
internal sealed class DemoData
{
    private const int Seed = 20260131;
    public const int OrdersPerCustomer = 3;

    /// <summary>A country with the locale of its names and how a mobile number looks there; # is a digit.</summary>
    private sealed record Country(string Code, string Language, string Locale, string Phone, int Weight);

    private static readonly Country[] Countries =
    [
        new("US", "en", "en_US", "+1 555 2## ####", 24), new("GB", "en", "en_GB", "+44 7### 0#####", 12), new("DE", "de", "de", "+49 1512 #######", 12),
        new("FR", "fr", "fr", "+33 6 0# ## ## ##", 10), new("ES", "es", "es", "+34 60# ### ###", 8), new("IT", "it", "it", "+39 340 ### ####", 8),
        new("NL", "nl", "nl", "+31 6 1### ####", 5), new("PL", "pl", "pl", "+48 50# ### ###", 5), new("SE", "sv", "sv", "+46 70 0## ## ##", 4),
        new("TR", "tr", "tr", "+90 530 ### ####", 4), new("JP", "ja", "ja", "+81 90 0### ####", 4), new("KR", "ko", "ko", "+82 10 2### ####", 2),
        new("GR", "el", "el", "+30 690 ### ####", 2),
    ];

    private static readonly string[] Domains = ["example.com", "example.org", "mail.example", "post.example"];

    private readonly int _customers;

    public DemoData(int customers) => _customers = customers;

    public int Orders => _customers * OrdersPerCustomer;

    public void WriteCustomers(string file, Action<int> progress)
    {
        var random = new Randomizer(Seed);
        var weights = Countries.Select(c => (float)c.Weight / Countries.Sum(x => x.Weight)).ToArray();
        var names = Countries.ToDictionary(c => c, c => new Name(c.Locale) { Random = random });
        var addresses = Countries.ToDictionary(c => c, c => new Address(c.Locale) { Random = random });
        using var writer = new StreamWriter(file, append: false, new UTF8Encoding(false), 1 << 16);
        writer.Write("Customer ID,First Name,Last Name,Email,Phone,City,Country,Language\n");
        for (var n = 1; n <= _customers; n++)
        {
            var country = random.WeightedRandom(Countries, weights);
            var first = names[country].FirstName();
            var last = names[country].LastName();
            writer.Write(string.Join(',', CustomerId(n), Field(first), Field(last), Email(first, last, n, random),
                random.Number(9) == 0 ? "" : Phone(country.Phone, n), Field(addresses[country].City()), country.Code, country.Language));
            writer.Write('\n');
            if (n % 1000 == 0)
                progress(n);
        }
        progress(_customers);
    }

    public void WriteOrders(string file, Action<int> progress)
    {
        var random = new Random(Seed);
        var from = new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        using var writer = new StreamWriter(file, append: false, new UTF8Encoding(false), 1 << 16);
        writer.Write("Order ID,Customer ID,Order Date,Amount,Currency\n");
        for (var n = 1; n <= Orders; n++)
        {
            // A few customers buy often, some never.
            var customer = 1 + (int)(_customers * Math.Pow(random.NextDouble(), 1.6));
            // Amounts spread like those of shops: a median of 60, a long tail (Box-Muller for the normal in the exponent).
            var normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            var cents = Math.Max(100, (long)(6000 * Math.Exp(0.9 * normal)));
            var date = from.AddMinutes(random.Next(60 * 24 * 640));
            writer.Write(string.Create(CultureInfo.InvariantCulture,
                $"O{n:0000000},{CustomerId(customer)},{date:yyyy-MM-ddTHH:mm:ssZ},{cents / 100}.{cents % 100:00},USD\n"));
            if (n % 1000 == 0)
                progress(n);
        }
        progress(Orders);
    }

    private static string CustomerId(int n) => $"C{n:0000000}";

    private static string Email(string first, string last, int n, Randomizer random)
    {
        var local = new string([.. $"{first}.{last}".ToLowerInvariant().Where(c => c is >= 'a' and <= 'z' or '.')]).Trim('.').Replace("..", ".", StringComparison.Ordinal);
        return $"{(local.Length == 0 ? "customer" : local)}.{n}@{Domains[random.Number(Domains.Length - 1)]}";
    }

    /// <summary>The pattern with its digits taken from the number of the customer: all different up to the pattern's width.</summary>
    private static string Phone(string pattern, int n)
    {
        var phone = pattern.ToCharArray();
        for (var i = phone.Length - 1; i >= 0; i--)
        {
            if (phone[i] != '#')
                continue;
            phone[i] = (char)('0' + n % 10);
            n /= 10;
        }
        // What does not fit is kept by lengthening nothing: beyond a million customers numbers repeat, as in families.
        return new string(phone);
    }

    private static string Field(string text) =>
        text.AsSpan().ContainsAny(",\"\n\r") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
