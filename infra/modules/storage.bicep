// Blobs (files to import, the app's packages) and queues (jobs). No shared keys: only identities get in.
import { roles } from 'roles.bicep'

param name string
param location string
param tags object

@description('The identity of the app.')
param principalId string

@description('Standard_LRS, or Standard_ZRS where an outage of one datacentre must not lose jobs.')
param sku string

@description('Days in which a deleted file can be brought back.')
param keepDeletedDays int

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: { enabled: true, days: keepDeletedDays }
      containerDeleteRetentionPolicy: { enabled: true, days: keepDeletedDays }
    }

    // What the Flex Consumption plan takes the app's package from.
    resource packages 'containers' = {
      name: 'packages'
    }

    // Files to import. Its events start the import, so it is there before the app is.
    resource imports 'containers' = {
      name: 'imports'
    }
  }
}

// Owner of blobs: the host leases its locks, and addresses for uploads are signed with a key of the identity's own.
// Tables: the host keeps its diagnostic events there.
var granted = [
  'Storage Blob Data Owner'
  'Storage Queue Data Contributor'
  'Storage Table Data Contributor'
]

resource grants 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in granted: {
  name: guid(account.id, principalId, role)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[role])
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}]

output id string = account.id
output name string = account.name
output blobEndpoint string = account.properties.primaryEndpoints.blob
output queueEndpoint string = account.properties.primaryEndpoints.queue
output tableEndpoint string = account.properties.primaryEndpoints.table
