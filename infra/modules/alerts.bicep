// What wakes somebody up, and what a month may cost. Each alert's remedy is a section of docs/runbook.md.
param name string
param location string
param tags object
param workspaceId string
param cosmosAccountId string

@description('Who is told, by email.')
param emails string[]

@description('Seconds that the oldest message of a queue may wait.')
param backlogSeconds int

@description('Share of failed requests and jobs in a quarter of an hour, in percent.')
param failurePercent int

@description('Per month, in the currency of the subscription.')
param budget int

@description('The month that the budget begins with: yyyy-MM-01. A budget keeps it for good.')
param budgetStart string

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'xenocrm'
    enabled: true
    emailReceivers: [for (email, index) in emails: { name: 'email-${index}', emailAddress: email, useCommonAlertSchema: true }]
  }
}

// The line that MeasureQueues writes each minute. What is parsed is the sentence: a worker's log reaches the workspace as text.
var queues = 'AppTraces | where Message startswith "Queue " | parse Message with "Queue " Queue " holds " Messages:long " messages, the oldest waits " AgeSeconds:long " s"'

var logAlerts = [
  {
    name: 'poison'
    severity: 1
    description: 'Messages that failed too often lie in a poison queue: docs/runbook.md, "Poison messages".'
    query: '${queues} | where Queue endswith "-poison" and Messages > 0 | summarize Messages = max(Messages) by Queue'
    minutes: 15
  }
  {
    name: 'backlog'
    severity: 2
    description: 'Work waits longer than it should: docs/runbook.md, "Backlog".'
    query: '${queues} | where AgeSeconds > ${backlogSeconds} | summarize AgeSeconds = max(AgeSeconds), Messages = max(Messages), Minutes = dcount(bin(TimeGenerated, 1m)) by Queue | where Minutes >= 5'
    minutes: 15
  }
  {
    name: 'failures'
    severity: 1
    description: 'Requests or jobs fail: docs/runbook.md, "Failures".'
    query: 'AppRequests | summarize Failed = countif(Success == false), Requests = count() | where Requests >= 20 and 100.0 * Failed / Requests > ${failurePercent}'
    minutes: 15
  }
]

resource logs 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = [for alert in logAlerts: {
  name: 'alert-${name}-${alert.name}'
  location: location
  tags: tags
  properties: {
    displayName: 'Xeno CRM: ${alert.name}'
    description: alert.description
    severity: alert.severity
    enabled: true
    scopes: [workspaceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT${alert.minutes}M'
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}]

// Retried by the SDK, so nothing is lost; many of them mean that work is slower than it could be.
resource throttling 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'alert-${name}-throttling'
  location: 'global'
  tags: tags
  properties: {
    description: 'The database answers 429: docs/runbook.md, "Throttling".'
    severity: 2
    enabled: true
    scopes: [cosmosAccountId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'throttled'
          metricNamespace: 'Microsoft.DocumentDB/databaseAccounts'
          metricName: 'TotalRequests'
          dimensions: [{ name: 'StatusCode', operator: 'Include', values: ['429'] }]
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 1000
        }
      ]
    }
    actions: [{ actionGroupId: people.id }]
  }
}

resource spending 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: 'budget-${name}'
  properties: {
    category: 'Cost'
    timeGrain: 'Monthly'
    amount: budget
    timePeriod: { startDate: budgetStart }
    notifications: {
      half: { enabled: true, operator: 'GreaterThan', threshold: 50, thresholdType: 'Actual', contactEmails: emails, contactGroups: [people.id] }
      forecast: { enabled: true, operator: 'GreaterThan', threshold: 100, thresholdType: 'Forecasted', contactEmails: emails, contactGroups: [people.id] }
    }
  }
}
