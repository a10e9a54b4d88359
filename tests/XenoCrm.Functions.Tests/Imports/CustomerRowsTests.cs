using System.Text;
using XenoCrm.Customers;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

public class CustomerRowsTests
{
    [Theory]
    [InlineData("Customer ID,First Name,LAST-NAME,E-mail,Mobile Phone,Zip Code,DOB")]
    [InlineData("customer_id,first_name,last_name,email_address,phone,postal_code,date of birth")]
    [InlineData("CustomerID;Forename;Surname;Mail;Tel.;PostCode;Birthday")]
    public async Task Usual_headers_are_understood(string header)
    {
        var separator = header.Contains(';') ? ';' : ',';
        var drafts = await DraftsAsync(header + "\n" + string.Join(separator, "C1", "Maria", "Anders", "maria@example.com", "+49 30 0074321", "12209", "1984-03-17"));

        var draft = drafts.ShouldHaveSingleItem();
        (draft.ExternalId, draft.FirstName, draft.LastName, draft.Email, draft.Phone, draft.PostalCode, draft.Birthday)
            .ShouldBe(("C1", "Maria", "Anders", "maria@example.com", "+49300074321", "12209", new DateOnly(1984, 3, 17)));
    }

    [Theory]
    [InlineData("Maria Anders", "Maria", "Anders")]
    [InlineData("Anders, Maria", "Maria", "Anders")]
    [InlineData("Madonna", "Madonna", null)]
    public async Task A_full_name_is_split(string name, string first, string? last)
    {
        var draft = (await DraftsAsync($"name,email\n\"{name}\",a@example.com")).ShouldHaveSingleItem();

        (draft.FirstName, draft.LastName).ShouldBe((first, last));
    }

    [Fact]
    public async Task All_errors_of_a_row_are_reported_with_their_columns()
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Customers, "id,E-Mail,dob,opt\nC1,nobody,31/12/1980,perhaps\nC2,b@example.com,1980-12-31,yes\n,,,\n",
            new() { Mapping = new Dictionary<string, string?> { ["opt"] = "consent.email" } });

        runs.Codes().ShouldBe(["2 dob import.date_ambiguous", "2 opt import.value_unknown", "2 E-Mail customer.email_invalid"], ignoreOrder: true);
        runs[0].Issues.ShouldContain(i => i.Column == "E-Mail" && i.Value == "nobody");
        runs[0].Customers.ShouldHaveSingleItem().Row.ShouldBe(3);
        runs[0].Rows.ShouldBe(2);
    }

    [Theory]
    [InlineData("29/02/2023", RowCodes.DateInvalid)]
    [InlineData("29/02/2024", null)]
    [InlineData("1/2/2024", null)]
    [InlineData("2024-02-29", null)]
    [InlineData("12/31/2024", RowCodes.DateInvalid)]
    public async Task Dates_are_read_as_the_file_says(string date, string? code)
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Customers, $"id,birthday\nC1,{date}\n", new() { DateFormat = "dd/MM/yyyy" });

        runs[0].Issues.Select(i => i.Code).ShouldBe(code is null ? [] : [code]);
    }

    [Fact]
    public async Task A_phone_that_is_not_certain_is_a_warning()
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Customers, "id,phone\nC1,555 1234\n");

        runs[0].Issues.ShouldHaveSingleItem().Warning.ShouldBeTrue();
        runs[0].Customers.ShouldHaveSingleItem().Draft.ShouldSatisfyAllConditions(d => d.Phone.ShouldBe("555 1234"), d => d.PhoneUsable.ShouldBeFalse());
    }

    [Fact]
    public async Task Unknown_columns_become_attributes_when_asked_to()
    {
        const string Csv = "id,Contact Title,Fax,Import errors\nC1,Owner,030-007,old message\n";
        (await DraftsAsync(Csv)).ShouldHaveSingleItem().Attributes.ShouldBeNull();

        var attributes = (await DraftsAsync(Csv, new() { Attributes = true })).ShouldHaveSingleItem().Attributes.ShouldNotBeNull();
        attributes.ToDictionary(a => a.Key, a => a.Value.GetString()).ShouldBe(new() { ["contactTitle"] = "Owner", ["fax"] = "030-007" });
    }

    [Fact]
    public async Task A_mapping_goes_before_names()
    {
        var draft = (await DraftsAsync("id,email,Kunde\nX,a@example.com,C1\n", new()
        {
            Mapping = new Dictionary<string, string?> { ["Kunde"] = "externalId", ["id"] = "attributes.legacyId" },
        })).ShouldHaveSingleItem();

        draft.ExternalId.ShouldBe("C1");
        draft.Attributes!["legacyId"].GetString().ShouldBe("X");
    }

    [Theory]
    [InlineData("""{"a":"nothing"}""")]
    [InlineData("""{"a":"email","b":"email"}""")]
    [InlineData("""{"a b":"email","A_B":"phone"}""")]
    [InlineData("""["a"]""")]
    [InlineData("""{"a":1}""")]
    [InlineData("nonsense")]
    public void A_bad_mapping_is_a_problem(string mapping) =>
        Should.Throw<ProblemException>(() => ColumnMap.ParseMapping(ImportKind.Customers, mapping)).Problem.Code.ShouldBe("import.mapping_invalid");

    [Theory]
    [InlineData("", "import.file_empty")]
    [InlineData("\n\n", "import.file_empty")]
    [InlineData("email,name\n", "import.file_empty")]
    [InlineData("foo,bar\n1,2\n", "import.no_usable_column")]
    [InlineData("first name,city\nA,B\n", "import.required_column_missing")]
    [InlineData("\"email,name\na,b\n", "import.header_unreadable")]
    public async Task A_file_without_use_is_a_problem(string csv, string code) =>
        (await Should.ThrowAsync<ProblemException>(() => ReadRuns.OfAsync(ImportKind.Customers, csv))).Problem.Code.ShouldBe(code);

    [Fact]
    public async Task A_header_of_100_000_columns_is_a_problem_and_a_row_of_them_an_error()
    {
        var wide = string.Concat(Enumerable.Repeat("x,", 100_000));
        (await Should.ThrowAsync<ProblemException>(() => ReadRuns.OfAsync(ImportKind.Customers, "id,email," + wide + "\n1,2\n")))
            .Problem.Code.ShouldBe("import.header_unreadable");

        var runs = await ReadRuns.OfAsync(ImportKind.Customers, $"id,email\nC1,a@example.com\nC2,{wide}\nC3,c@example.com,,\n");
        runs.Codes().ShouldBe(["3  import.too_many_fields"]);
        runs[0].Customers.Select(c => c.Draft.ExternalId).ShouldBe(["C1", "C3"]);
    }

    [Fact]
    public async Task An_unreadable_date_format_is_a_problem()
    {
        foreach (var format in new[] { "dd/MM", "yyyy", "%d", "dd/MM/yyyy'x'", new string('d', 100), "dd/dd/yyyy" })
        {
            (await Should.ThrowAsync<ProblemException>(() => ReadRuns.OfAsync(ImportKind.Customers, "id\n1\n", new() { DateFormat = format })))
                .Problem.Code.ShouldBe("import.date_format_unsupported", format);
        }
    }

    [Fact]
    public async Task A_file_that_contradicts_itself_is_warned_of()
    {
        var runs = await ReadRuns.OfAsync(
            ImportKind.Customers, "id,email,city\nC1,a@example.com,Bonn\nC1,a@example.com,Bonn\nC1,,Ulm\nC2,A@Example.com,\n,b@example.com,\nbad,nobody,\nbad,c@example.com,\n", runRows: 2);

        runs.Codes().Where(c => !c.Contains("customer.")).ShouldBe(["4 id import.duplicate_in_file", "5 email import.duplicate_in_file"]);
        runs.SelectMany(r => r.Customers).Count().ShouldBe(6);
    }

    [Fact]
    public async Task Contradictions_are_the_same_from_any_checkpoint()
    {
        var csv = Encoding.UTF8.GetBytes("id,city\n" + string.Concat(Enumerable.Range(1, 60).Select(i => $"C{i % 25},Town {i}\n")));
        var whole = await ReadRuns.OfAsync(ImportKind.Customers, csv, runRows: 10);
        whole.Codes().Length.ShouldBe(35);
        var open = ImportFile.InMemory(csv);
        var file = await ImportFile.InspectAsync(ImportKind.Customers, new(), open, null, TestContext.Current.CancellationToken);
        for (var i = 0; i < 5; i++)
        {
            (await ReadRuns.OfAsync(new ImportWork("i", ImportKind.Customers, new(), file, open, whole[i].Next!, i + 2) { Cut = ReadRuns.Whole(10) })).Codes()
                .ShouldBe(whole.Skip(i + 1).Codes());
        }
    }

    [Fact]
    public void Keys_are_forgotten_after_the_window()
    {
        var keys = new FileKeys();
        keys.Exchange("id", "a", new(1, 1, 0)).ShouldBeNull();
        keys.Exchange("email", "a", new(1, 1, 0)).ShouldBeNull();
        keys.Exchange("id", "a", new(FileKeys.Window, 2, 0))!.Value.Row.ShouldBe(1);
        keys.Exchange("email", "a", new(FileKeys.Window + 1, 2, 0)).ShouldBeNull();
        keys.Exchange("id", "a", new(FileKeys.Window + 1, 2, 0))!.Value.Row.ShouldBe(FileKeys.Window);
    }

    [Fact]
    public async Task A_row_with_too_few_fields_is_taken_with_a_warning()
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Customers, "id,city,email,Fax\nC1,Bonn\nC2,Bonn,c2@example.com\n");

        runs.Codes().ShouldBe(["2 email import.too_few_fields"]);
        runs[0].Customers.Count.ShouldBe(2);
    }

    [Fact]
    public async Task What_an_export_escaped_comes_back_as_it_was()
    {
        var draft = (await DraftsAsync("id,phone,company\n'-1,'+49300074321,'=1+1\n")).ShouldHaveSingleItem();

        (draft.ExternalId, draft.Phone, draft.Company).ShouldBe(("-1", "+49300074321", "=1+1"));
    }

    [Fact]
    public async Task The_customers_of_Northwind_are_all_understood()
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Customers, await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "Imports/data/northwind-customers.csv"), TestContext.Current.CancellationToken));

        var run = runs.ShouldHaveSingleItem();
        run.Customers.Count.ShouldBe(91);
        run.FailedRows.ShouldBeEmpty();
        run.Issues.ShouldNotBeEmpty();
        run.Issues.ShouldAllBe(i => i.Warning && i.Column == "Phone" && i.Code == "customer.phone_unusable");
        var first = run.Customers[0].Draft;
        (first.ExternalId, first.FirstName, first.LastName, first.Company, first.City, first.Country).ShouldBe(("ALFKI", "Maria", "Anders", "Alfreds Futterkiste", "Berlin", "Germany"));
    }

    [Fact]
    public async Task Runs_can_be_read_again_from_any_checkpoint()
    {
        var csv = "id,email\n" + string.Concat(Enumerable.Range(1, 57).Select(i => $"C{i},{(i % 7 == 0 ? "bad" : $"u{i}@example.com")}\n{(i % 5 == 0 ? "\n" : "")}"));
        var bytes = Encoding.UTF8.GetBytes(csv);
        var whole = await ReadRuns.OfAsync(ImportKind.Customers, bytes, runRows: 10);
        whole.Count.ShouldBe(6);

        var open = ImportFile.InMemory(bytes);
        var file = await ImportFile.InspectAsync(ImportKind.Customers, new(), open, null, TestContext.Current.CancellationToken);
        for (var i = 0; i < 5; i++)
        {
            var rest = await ReadRuns.OfAsync(new ImportWork("i", ImportKind.Customers, new(), file, open, whole[i].Next!, i + 2) { Cut = ReadRuns.Whole(10) });
            rest.Count.ShouldBe(5 - i);
            rest.SelectMany(r => r.Customers).Select(c => (c.Row, c.Draft.ExternalId)).ShouldBe(whole.Skip(i + 1).SelectMany(r => r.Customers).Select(c => (c.Row, c.Draft.ExternalId)));
            rest.Codes().ShouldBe(whole.Skip(i + 1).Codes());
        }
    }

    private static async Task<List<CustomerDraft>> DraftsAsync(string csv, ImportSettings? settings = null)
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Customers, csv, settings);
        runs.SelectMany(r => r.FailedRows).ShouldBeEmpty(string.Join(", ", runs.Codes()));
        return [.. runs.SelectMany(r => r.Customers).Select(c => c.Draft)];
    }
}
