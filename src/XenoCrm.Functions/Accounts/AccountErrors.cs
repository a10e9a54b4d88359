using XenoCrm.Platform.Errors;

namespace XenoCrm.Accounts;

public sealed record LoginFailed()
    : Problem(401, "auth.login_failed", "The login failed", "The email or the password is wrong.");

public sealed record TokenMissing()
    : Problem(401, "auth.token_missing", "A token is required", "Log in at /api/auth/login and send 'Authorization: Bearer <token>'.");

public sealed record TokenInvalid()
    : Problem(401, "auth.token_invalid", "The token is not valid", "It is malformed, expired, or signed by another key. Log in again.");

public sealed record RoleTooLow(Role Needed)
    : Problem(403, "auth.role_too_low", "Your role does not allow this", $"The role '{Needed.ToString().ToLowerInvariant()}' or a higher one is needed.");
