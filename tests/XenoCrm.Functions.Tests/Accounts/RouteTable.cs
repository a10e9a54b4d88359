namespace XenoCrm.Accounts;

/// <param name="Role">Null: anyone.</param>
/// <param name="Scope">Of an API key; <c>*</c>: any key; null: none.</param>
internal sealed record RouteLine(string Method, string Path, Role? Role, string? Scope)
{
    public string Route => $"{Method} {Path}";
}

/// <summary>Who may call what, as it was decided; a new route is decided here too.</summary>
internal static class RouteTable
{
    /// <summary>Method, path, the lowest role (or "public"), and the scope that an API key needs: "*" is any key, "-" none.</summary>
    private const string Text = """
        GET    /api-docs/{*path}                                   public
        POST   /api/ai/campaigns/{id}/summary                      marketer ai:write
        POST   /api/ai/campaigns/{id}/tags                         marketer ai:write
        POST   /api/ai/messages                                    marketer ai:write
        POST   /api/ai/segments                                    marketer ai:write
        GET    /api/ai/send-time                                   marketer ai:read
        POST   /api/ai/send-time                                   marketer ai:read
        POST   /api/ai/segments/{id}/insights                      marketer ai:write
        POST   /api/ai/segments/{id}/lookalike                     marketer ai:write
        GET    /api/ai/usage                                       manager  ai:read
        GET    /api/analytics/campaigns                            viewer   analytics:read
        GET    /api/analytics/cohorts                              viewer   analytics:read
        GET    /api/analytics/overview                             viewer   analytics:read
        GET    /api/analytics/revenue                              viewer   analytics:read
        GET    /api/api-keys                                       admin    -
        POST   /api/api-keys                                       admin    -
        DELETE /api/api-keys/{id}                                  admin    -
        GET    /api/audit                                          admin    -
        POST   /api/auth/google                                    public
        POST   /api/auth/login                                     public
        POST   /api/auth/logout                                    public
        GET    /api/auth/me                                        viewer   *
        POST   /api/auth/password                                  viewer   -
        POST   /api/auth/refresh                                   public
        GET    /api/campaigns                                      viewer   campaigns:read
        POST   /api/campaigns                                      marketer campaigns:write
        DELETE /api/campaigns/{id}                                 marketer campaigns:write
        GET    /api/campaigns/{id}                                 viewer   campaigns:read
        PUT    /api/campaigns/{id}                                 marketer campaigns:write
        POST   /api/campaigns/{id}/approve                         manager  -
        POST   /api/campaigns/{id}/cancel                          manager  campaigns:write
        POST   /api/campaigns/{id}/check                           marketer campaigns:read
        GET    /api/campaigns/{id}/events                          viewer   campaigns:read
        POST   /api/campaigns/{id}/launch                          marketer campaigns:launch
        GET    /api/campaigns/{id}/messages                        viewer   campaigns:read
        GET    /api/campaigns/{id}/messages/{messageId}            viewer   campaigns:read
        GET    /api/campaigns/{id}/occurrences                     viewer   campaigns:read
        POST   /api/campaigns/{id}/pause                           manager  campaigns:write
        POST   /api/campaigns/{id}/reject                          manager  -
        POST   /api/campaigns/{id}/resume                          manager  campaigns:launch
        POST   /api/campaigns/{id}/retry-failed                    manager  campaigns:launch
        DELETE /api/campaigns/{id}/schedule                        marketer campaigns:write
        POST   /api/campaigns/{id}/schedule                        marketer campaigns:launch
        GET    /api/campaigns/{id}/stats                           viewer   campaigns:read
        POST   /api/campaigns/{id}/submit                          marketer campaigns:write
        POST   /api/campaigns/{id}/test                            marketer campaigns:write
        GET    /api/customers                                      viewer   customers:read
        POST   /api/customers                                      manager  customers:write
        GET    /api/customers/attributes                           viewer   customers:read
        DELETE /api/customers/attributes/{key}                     manager  customers:write
        PUT    /api/customers/attributes/{key}                     manager  customers:write
        POST   /api/customers/bulk                                 manager  customers:write
        GET    /api/customers/export                               viewer   customers:read
        POST   /api/customers/merge                                manager  customers:write
        DELETE /api/customers/{id}                                 manager  customers:write
        GET    /api/customers/{id}                                 viewer   customers:read
        PATCH  /api/customers/{id}                                 manager  customers:write
        PUT    /api/customers/{id}                                 manager  customers:write
        GET    /api/customers/{id}/data                            manager  customers:read
        POST   /api/customers/{id}/erase                           manager  customers:erase
        GET    /api/customers/{id}/orders                          viewer   customers:read
        GET    /api/customers/{id}/overview                        viewer   customers:read
        POST   /api/customers/{id}/tags                            manager  customers:write
        GET    /api/customers/{id}/timeline                        viewer   customers:read
        POST   /api/customers/{id}/visits                          manager  customers:write
        POST   /api/data/import/customers                          manager  imports:write
        POST   /api/data/import/orders                             manager  imports:write
        GET    /api/data/samples/customer                          viewer   imports:read
        GET    /api/data/samples/order                             viewer   imports:read
        GET    /api/delivery/engagement                            viewer   delivery:read
        GET    /api/delivery/poison                                manager  delivery:read
        POST   /api/delivery/poison/{id}/replay                    manager  delivery:write
        POST   /api/delivery/reclassify                            admin    -
        GET    /api/delivery/reclassify/{id}                       admin    -
        GET    /api/delivery/stats                                 viewer   delivery:read
        POST   /api/erasures                                       manager  customers:erase
        GET    /api/erasures/{id}                                  manager  customers:read
        GET    /api/errors                                         public
        GET    /api/health/live                                    public
        GET    /api/health/ready                                   public
        GET    /api/imports                                        viewer   imports:read
        POST   /api/imports                                        manager  imports:write
        GET    /api/imports/mappings                               viewer   imports:read
        DELETE /api/imports/mappings/{id}                          manager  imports:write
        POST   /api/imports/preview                                manager  imports:read
        GET    /api/imports/{id}                                   viewer   imports:read
        POST   /api/imports/{id}/cancel                            manager  imports:write
        GET    /api/imports/{id}/changes                           viewer   imports:read
        POST   /api/imports/{id}/commit                            manager  imports:write
        GET    /api/imports/{id}/errors                            viewer   imports:read
        GET    /api/imports/{id}/undo                              viewer   imports:read
        POST   /api/imports/{id}/undo                              manager  imports:write
        GET    /api/openapi.json                                   public
        GET    /api/orders                                         viewer   orders:read
        POST   /api/orders                                         manager  orders:write
        POST   /api/orders/bulk                                    manager  orders:write
        GET    /api/orders/export                                  viewer   orders:read
        DELETE /api/orders/{id}                                    manager  orders:write
        GET    /api/orders/{id}                                    viewer   orders:read
        PATCH  /api/orders/{id}                                    manager  orders:write
        GET    /api/segments                                       viewer   segments:read
        POST   /api/segments                                       marketer segments:write
        GET    /api/segments/fields                                viewer   segments:read
        POST   /api/segments/preview                               viewer   segments:read
        GET    /api/segments/rfm                                   viewer   segments:read
        POST   /api/segments/rfm/rebuild                           marketer segments:write
        GET    /api/segments/templates                             viewer   segments:read
        DELETE /api/segments/{id}                                  marketer segments:write
        GET    /api/segments/{id}                                  viewer   segments:read
        PUT    /api/segments/{id}                                  marketer segments:write
        GET    /api/segments/{id}/explain/{customerId}             viewer   segments:read
        GET    /api/segments/{id}/growth                           viewer   segments:read
        GET    /api/segments/{id}/members                          viewer   segments:read
        DELETE /api/suppressions                                   manager  delivery:write
        GET    /api/suppressions                                   viewer   delivery:read
        POST   /api/suppressions                                   manager  delivery:write
        GET    /api/templates                                      viewer   campaigns:read
        POST   /api/templates                                      marketer campaigns:write
        POST   /api/templates/render                               viewer   campaigns:read
        DELETE /api/templates/{id}                                 marketer campaigns:write
        GET    /api/templates/{id}                                 viewer   campaigns:read
        PUT    /api/templates/{id}                                 marketer campaigns:write
        GET    /api/users                                          admin    -
        POST   /api/users                                          admin    -
        DELETE /api/users/{id}                                     admin    -
        GET    /api/users/{id}                                     admin    -
        PATCH  /api/users/{id}                                     admin    -
        GET    /api/webhook-subscriptions                          manager  webhooks:read
        POST   /api/webhook-subscriptions                          admin    -
        DELETE /api/webhook-subscriptions/{id}                     admin    -
        GET    /api/webhook-subscriptions/{id}                     manager  webhooks:read
        PATCH  /api/webhook-subscriptions/{id}                     admin    -
        GET    /api/webhook-subscriptions/{id}/deliveries          manager  webhooks:read
        GET    /api/webhook-subscriptions/{id}/deliveries/{deliveryId} manager webhooks:read
        POST   /api/webhook-subscriptions/{id}/deliveries/{deliveryId}/replay manager webhooks:write
        POST   /api/webhook-subscriptions/{id}/replay              manager  webhooks:write
        POST   /api/webhook-subscriptions/{id}/rotate-secret       admin    -
        POST   /api/webhook-subscriptions/{id}/test                manager  webhooks:write
        POST   /api/webhooks/receipts                              public
        POST   /api/webhooks/sendgrid                              public
        POST   /api/webhooks/twilio                                public
        DELETE /api/{*path}                                        public
        GET    /api/{*path}                                        public
        PATCH  /api/{*path}                                        public
        POST   /api/{*path}                                        public
        PUT    /api/{*path}                                        public
        GET    /t/c/{token}                                        public
        GET    /t/o/{token}                                        public
        GET    /t/u/{token}                                        public
        POST   /t/u/{token}                                        public
        OPTIONS /{*path}                                            public
        """;

    public static IReadOnlyList<RouteLine> All { get; } =
    [
        .. from line in Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
           let parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
           select new RouteLine(
               parts[0], parts[1], parts[2] == "public" ? null : Enum.Parse<Role>(parts[2], ignoreCase: true), parts.Length < 4 || parts[3] == "-" ? null : parts[3]),
    ];
}
