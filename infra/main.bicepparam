// Staging. Production and development differ in the files beside this one.
using 'main.bicep'

param environmentName = 'staging'
param emails = [readEnvironmentVariable('XENO_OPERATOR_EMAIL')]
param budget = 50
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
}
