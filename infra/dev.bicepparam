// A developer's own: the least of everything, and a vendor that is a simulator.
using 'main.bicep'

param environmentName = 'dev'
param emails = [readEnvironmentVariable('XENO_OPERATOR_EMAIL')]
param maximumInstances = 4
param logDailyCapGb = 1
param budget = 20
param budgetStart = readEnvironmentVariable('XENO_BUDGET_START')
param subscribeToUploads = bool(readEnvironmentVariable('XENO_SUBSCRIBE', 'false'))

param secretSettings = [
  'Auth__SigningKeys__0__Key'
  'Auth__Admin__Password'
  'Signing__Key'
  'Workspace__AddressKey'
  'Vendors__Generic__ApiKey'
  'Vendors__Generic__ReceiptSecrets__0'
]

param settings = {
  Workspace__Currency: 'USD'
  Vendors__Generic__BaseAddress: readEnvironmentVariable('XENO_VENDOR_ADDRESS')
  Vendors__Generic__MessagesPerSecond: '50'
}
