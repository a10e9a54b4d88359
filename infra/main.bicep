// Xeno CRM on Azure, in one resource group. README.md says how to put it there.
targetScope = 'resourceGroup'

@description('dev, staging, prod: part of every name.')
@minLength(2)
@maxLength(8)
param environmentName string

param location string = resourceGroup().location

@description('Who is told when something needs a person, and the first administrator\'s email.')
@minLength(1)
param emails string[]

@description('What bounds a burst: instances of the app, each with so much memory.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 20

@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Instances kept warm for HTTP.')
param alwaysReady int = 0

@description('0: serverless, 5,000 RU/s per container. Otherwise the highest RU/s of the database, scaled by need: docs/growth.md says from which size on. Serverless cannot be left: it takes a new account and a restore into it.')
param autoscaleRu int = 0

@allowed(['Standard_LRS', 'Standard_ZRS'])
param storageSku string = 'Standard_LRS'

@allowed(['Continuous7Days', 'Continuous30Days'])
param databaseBackup string = 'Continuous7Days'

param keepDeletedDays int = 7
param logRetentionDays int = 30
param logDailyCapGb int = 1

@description('Where vendors and recipients reach the app, without a slash at the end. Empty: its azurewebsites.net address.')
param publicBaseAddress string = ''

@description('Names of the settings whose values are in the vault.')
param secretSettings string[] = [
  'Auth__SigningKeys__0__Key'
  'Auth__Admin__Password'
  'Signing__Key'
  'Workspace__AddressKey'
]

@description('Every other setting: vendors, prices, limits. See docs/configuration.md.')
param settings object

param backlogSeconds int = 900
param failurePercent int = 5
param budget int = 50
param budgetStart string

@description('Subscribes the app to uploads. False for the first deployment, true from the first publish on: Event Grid asks the running app for its consent.')
param subscribeToUploads bool = false

var tags = { application: 'xenocrm', environment: environmentName }
var suffix = take(uniqueString(resourceGroup().id, environmentName), 8)
var name = 'xenocrm-${environmentName}-${suffix}'
var databaseName = 'xenocrm'

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: { name: 'id-${name}', location: location, tags: tags }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: take('xeno${replace(environmentName, '-', '')}${suffix}', 24)
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    sku: storageSku
    keepDeletedDays: keepDeletedDays
  }
}

module database 'modules/database.bicep' = {
  name: 'database'
  params: {
    name: 'cosmos-${name}'
    location: location
    tags: tags
    databaseName: databaseName
    principalId: identity.outputs.principalId
    backupTier: databaseBackup
    autoscaleRu: autoscaleRu
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: take('kv-xeno-${environmentName}-${suffix}', 24)
    location: location
    tags: tags
    principalId: identity.outputs.principalId
  }
}

module telemetry 'modules/telemetry.bicep' = {
  name: 'telemetry'
  params: {
    name: name
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
    principalId: identity.outputs.principalId
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  params: {
    name: 'func-${name}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    tableEndpoint: storage.outputs.tableEndpoint
    cosmosEndpoint: database.outputs.endpoint
    databaseName: databaseName
    vaultUri: vault.outputs.uri
    insightsConnectionString: telemetry.outputs.connectionString
    maximumInstances: maximumInstances
    instanceMemoryMB: instanceMemoryMB
    alwaysReady: alwaysReady
    publicBaseAddress: publicBaseAddress
    administratorEmail: emails[0]
    secretSettings: secretSettings
    settings: settings
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    name: name
    location: location
    tags: tags
    workspaceId: telemetry.outputs.workspaceId
    cosmosAccountId: database.outputs.id
    emails: emails
    backlogSeconds: backlogSeconds
    failurePercent: failurePercent
    budget: budget
    budgetStart: budgetStart
  }
}

module events 'modules/events.bicep' = if (subscribeToUploads) {
  name: 'events'
  params: {
    location: location
    tags: tags
    storageAccountId: storage.outputs.id
    storageAccountName: storage.outputs.name
    appName: app.outputs.name
  }
}

output appName string = app.outputs.name
output address string = 'https://${app.outputs.hostName}'
output vaultName string = vault.outputs.name
output databaseAccount string = database.outputs.name
output storageAccount string = storage.outputs.name
