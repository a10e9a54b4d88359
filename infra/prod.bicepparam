// Production: email by SendGrid, SMS and WhatsApp by Twilio.
using 'main.bicep'

param environmentName = 'prod'
param emails = split(readEnvironmentVariable('XENO_OPERATOR_EMAIL'), ',')
param maximumInstances = 40
param alwaysReady = 1
param storageSku = 'Standard_ZRS'
param databaseBackup = 'Continuous30Days'
param keepDeletedDays = 30
param logRetentionDays = 90
param logDailyCapGb = 5
param publicBaseAddress = readEnvironmentVariable('XENO_PUBLIC_ADDRESS')
param budget = 500
param budgetStart = readEnvironmentVariable('XENO_BUDGET_START')
param subscribeToUploads = bool(readEnvironmentVariable('XENO_SUBSCRIBE', 'false'))

param secretSettings = [
  'Auth__SigningKeys__0__Key'
  'Auth__Admin__Password'
  'Signing__Key'
  'Workspace__AddressKey'
  'Vendors__Generic__ApiKey'
  'Vendors__Generic__ReceiptSecrets__0'
  'Vendors__SendGrid__ApiKey'
  'Vendors__SendGrid__PublicKeys__0'
  'Vendors__Twilio__AccountSid'
  'Vendors__Twilio__AuthToken'
]

param settings = {
  Workspace__Currency: 'USD'
  Campaigns__ApprovalAbove: '10000'
  Delivery__RequireConsent: 'true'
  Vendors__Email__0: 'sendgrid'
  Vendors__Sms__0: 'twilio'
  Vendors__WhatsApp__0: 'twilio'
  Vendors__Push__0: 'generic'
  Vendors__Generic__BaseAddress: readEnvironmentVariable('XENO_PUSH_ADDRESS')
  Vendors__SendGrid__From: readEnvironmentVariable('XENO_EMAIL_FROM')
  Vendors__Twilio__From: readEnvironmentVariable('XENO_SMS_FROM')
  Vendors__Twilio__WhatsAppFrom: readEnvironmentVariable('XENO_WHATSAPP_FROM')
}
