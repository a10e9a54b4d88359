using XenoCrm.Platform.Errors;

namespace XenoCrm.Accounts;

public sealed record LoginFailed()
    : Problem(401, "auth.login_failed", "The login failed", "The email or the password is wrong.");

public sealed record LoginLocked()
    : Problem(429, "auth.locked", "Too many wrong passwords", "Wait for as long as Retry-After says, then try again.");

public sealed record TokenMissing()
    : Problem(401, "auth.token_missing", "A token is required", "Log in at /api/auth/login and send 'Authorization: Bearer <token>', or send an API key as X-Api-Key.");

public sealed record TokenInvalid()
    : Problem(401, "auth.token_invalid", "The token is not valid", "It is malformed, expired, or signed by another key, or the session has ended. Refresh it, or log in again.");

public sealed record KeyInvalid()
    : Problem(401, "auth.key_invalid", "The API key is not valid", "It is malformed, unknown, revoked or expired.");

public sealed record CredentialsTwice()
    : Problem(400, "auth.credentials_twice", "Two kinds of credentials", "Send either 'Authorization' or 'X-Api-Key', not both.");

public sealed record RoleTooLow(Role Needed)
    : Problem(403, "auth.role_too_low", "Your role does not allow this", $"The role '{Needed.ToString().ToLowerInvariant()}' or a higher one is needed.");

public sealed record ScopeMissing(string Needed)
    : Problem(403, "auth.scope_missing", "The API key is not good for this", $"The scope '{Needed}' is needed.");

public sealed record PeopleOnly()
    : Problem(403, "auth.people_only", "Not with an API key", "Only somebody who has logged in may do this.");

public sealed record RefreshInvalid()
    : Problem(401, "auth.refresh_invalid", "The refresh token is not valid", "It is malformed, or its session has ended. Log in again.");

public sealed record RefreshReused()
    : Problem(401, "auth.refresh_reused", "The refresh token was used before", "Somebody else may have it, so the session was ended. Log in again.");

public sealed record PasswordWrong()
    : Problem(403, "auth.password_wrong", "The password is wrong", "Send the current password along with the new one.");

public sealed record GoogleOff()
    : Problem(404, "auth.google_off", "No sign-in with Google", "It is not configured here: Auth__Google__ClientIds__0.");

public sealed record GoogleRefused()
    : Problem(401, "auth.google_refused", "The sign-in with Google failed", "The ID token is not valid here, its address is not verified, or its account is not a user.");

public sealed record GoogleUnavailable()
    : Problem(503, "auth.google_unavailable", "Google does not answer", "Its keys could not be read. Try again in a moment.");

public sealed record UserNotFound(string Id)
    : Problem(404, "user.not_found", "No such user", $"There is no user {Id}.");

public sealed record UserExists()
    : Problem(409, "user.exists", "The user exists already", "There is a user with this email. Change that one.");

public sealed record LastAdministrator()
    : Problem(409, "user.last_administrator", "The last administrator", "Without an active administrator nobody could manage users. Make somebody else one first.");

public sealed record ApiKeyNotFound(string Id)
    : Problem(404, "api_key.not_found", "No such API key", $"There is no API key {Id}.");
