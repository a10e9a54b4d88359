// The Flex Consumption plan and the function app with all of its settings.
param name string
param location string
param tags object

param identityId string
param identityClientId string
param blobEndpoint string
param queueEndpoint string
param tableEndpoint string
param cosmosEndpoint string
param databaseName string
param vaultUri string
param insightsConnectionString string

@description('Bounds what a burst can cost, and what it can ask of the database.')
param maximumInstances int

@allowed([512, 2048, 4096])
param instanceMemoryMB int

@description('Instances kept warm for HTTP: 0 is free and the first request after a pause waits some seconds.')
param alwaysReady int

@description('Where vendors and recipients reach the app; empty: its azurewebsites.net address.')
param publicBaseAddress string

param administratorEmail string

@description('Names of settings whose values are secrets of the vault: Auth__SigningKeys__0__Key is the secret Auth--SigningKeys--0--Key.')
param secretSettings string[]

@description('Any other settings; see docs/configuration.md.')
param settings object

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}packages'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'dotnet-isolated', version: '10.0' }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstances
        instanceMemoryMB: instanceMemoryMB
        alwaysReady: alwaysReady == 0 ? [] : [{ name: 'http', instanceCount: alwaysReady }]
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
    }
  }
}

var secrets = toObject(secretSettings, setting => setting, setting => '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/${replace(setting, '__', '--')})')

var fixed = {
  // The host's own storage and the app's: one account, by identity.
  AzureWebJobsStorage__blobServiceUri: blobEndpoint
  AzureWebJobsStorage__queueServiceUri: queueEndpoint
  AzureWebJobsStorage__tableServiceUri: tableEndpoint
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId

  // Which identity the SDKs of the app act as.
  AZURE_CLIENT_ID: identityClientId

  Cosmos__Endpoint: cosmosEndpoint
  Cosmos__Database: databaseName

  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'

  Auth__Admin__Email: administratorEmail
  Auth__SigningKeys__0__Id: 'azure-1'

  PublicBaseAddress: empty(publicBaseAddress) ? 'https://${app.properties.defaultHostName}' : publicBaseAddress
}

resource appSettings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(settings, secrets, fixed)
}

output id string = app.id
output name string = app.name
output hostName string = app.properties.defaultHostName
