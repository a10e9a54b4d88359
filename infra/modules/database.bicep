// Cosmos DB, serverless or autoscale. Containers, indexes and lifetimes are the ones in ../containers.json, which is written from the
// definitions in the code: the app's identity may use containers and not change them.
import { cosmosRoles } from 'roles.bicep'

param name string
param location string
param tags object
param databaseName string

@description('The identity of the app.')
param principalId string

@description('Continuous7Days is free of charge; Continuous30Days is paid for by the gigabyte.')
@allowed(['Continuous7Days', 'Continuous30Days'])
param backupTier string

@description('0: serverless. Otherwise the highest RU/s, shared by all containers.')
param autoscaleRu int

var containers = loadJsonContent('../containers.json')

resource account 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: autoscaleRu == 0 ? [{ name: 'EnableServerless' }] : []
    consistencyPolicy: { defaultConsistencyLevel: 'Session' }
    locations: [{ locationName: location, failoverPriority: 0 }]
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: { tier: backupTier }
    }
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2024-11-15' = {
  parent: account
  name: databaseName
  properties: {
    resource: { id: databaseName }
    options: autoscaleRu == 0 ? {} : { autoscaleSettings: { maxThroughput: autoscaleRu } }
  }
}

// One after the other: the account refuses changes of its metadata that come at the same time.
@batchSize(1)
resource container 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2024-11-15' = [for definition in containers: {
  parent: database
  name: definition.id
  properties: { resource: definition }
}]

// Data of this one database, nothing else of the account.
resource grant 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = {
  parent: account
  name: guid(account.id, principalId, 'Cosmos DB Built-in Data Contributor')
  properties: {
    roleDefinitionId: '${account.id}/sqlRoleDefinitions/${cosmosRoles['Cosmos DB Built-in Data Contributor']}'
    principalId: principalId
    scope: '${account.id}/dbs/${database.name}'
  }
}

output id string = account.id
output name string = account.name
output endpoint string = account.properties.documentEndpoint
