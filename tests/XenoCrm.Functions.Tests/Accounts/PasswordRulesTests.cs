namespace XenoCrm.Accounts;

public sealed class PasswordRulesTests
{
    private const string Email = "maria.lopez@example.com";
    private const string Name = "María López";

    [Theory]
    [InlineData("correct-horse-battery")]
    [InlineData("twelve chars")]
    [InlineData("Maria likes long walks")]
    [InlineData("ein gänsefüßchen")]
    public void Long_ones_are_good(string password) => PasswordRules.Check(password, Email, Name).ShouldBeEmpty();

    [Theory]
    [InlineData("elevenchars")]
    [InlineData("")]
    public void Short_ones_are_not(string password) => PasswordRules.Check(password, Email, Name).ShouldNotBeEmpty();

    [Theory]
    [InlineData("maria.lopez@example.com")]
    [InlineData("Maria-Lopez-2026!")]
    [InlineData("1234MARIALOPEZ")]
    [InlineData("María  López 77")]
    public void Nor_is_who_one_is(string password) => PasswordRules.Check(password, Email, Name).ShouldNotBeEmpty();

    [Theory]
    [InlineData("Password1234")]
    [InlineData("P@ssw0rd2026!")]
    [InlineData("Local-Admin-1")]
    [InlineData("123456789012")]
    [InlineData("210987654321")]
    [InlineData("abcdefghijklm")]
    [InlineData("aaaaaaaaaaaa")]
    [InlineData("abcabcabcabc")]
    [InlineData("qwertyuiop12")]
    [InlineData("Welcome12345")]
    [InlineData("CorrectHorseBatteryStaple")]
    public void Nor_what_is_guessed_first(string password) => PasswordRules.Check(password, Email, Name).ShouldNotBeEmpty();
}
