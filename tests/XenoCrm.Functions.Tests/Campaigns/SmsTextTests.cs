using XenoCrm.Campaigns;

namespace XenoCrm.Functions.Tests.Campaigns;

public sealed class SmsTextTests
{
    [Theory]
    [InlineData("", SmsEncoding.Gsm7, 0, 1, 160)]
    [InlineData("Grüße für 5 €", SmsEncoding.Gsm7, 14, 1, 146)]
    [InlineData("ça", SmsEncoding.Ucs2, 2, 1, 68)]
    [InlineData("Привет", SmsEncoding.Ucs2, 6, 1, 64)]
    [InlineData("😀", SmsEncoding.Ucs2, 2, 1, 68)]
    public void Short_texts_are_one_part(string text, SmsEncoding encoding, int units, int parts, int left) =>
        SmsText.Measure(text).ShouldBe(new(encoding, units, parts, left));

    [Theory]
    [InlineData('a', 160, 1)]
    [InlineData('a', 161, 2)]
    [InlineData('a', 306, 2)]
    [InlineData('a', 307, 3)]
    [InlineData('€', 80, 1)]
    [InlineData('€', 81, 2)]
    [InlineData('€', 152, 2)]
    [InlineData('€', 153, 3)]
    [InlineData('я', 70, 1)]
    [InlineData('я', 71, 2)]
    [InlineData('я', 134, 2)]
    [InlineData('я', 135, 3)]
    public void Long_texts_are_cut(char c, int count, int parts) => SmsText.Measure(new string(c, count)).Parts.ShouldBe(parts);

    [Fact]
    public void A_character_is_not_cut_in_two()
    {
        // 66 units, then two that do not fit into the 67 of a part together.
        var text = new string('я', 66) + "😀" + new string('я', 65);
        SmsText.Measure(text).ShouldBe(new(SmsEncoding.Ucs2, 133, 2, 0));
        SmsText.Measure(text + "я").Parts.ShouldBe(3);
    }
}
