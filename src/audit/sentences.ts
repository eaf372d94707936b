/**
 * An event in a sentence, for whoever reads a history. Placeholders are paths into the event's data. A type without a
 * sentence of its own is told by its name and its data, so that a new one is never missing.
 */
import type { AnyEvent } from '../events/event.ts'

/** `{a.b}` is a value; `{a?text}` is the text, with its own placeholders as `<a>`, where there is a value. */
const sentences: Readonly<Record<string, string>> = {
  'opslog.LogSealed.v1': 'The log was sealed up to position {position}: {events} events, root {root}.',
  'audit.AuditorKeyIssued.v1': 'The auditor key {keyId} was made for {name}.',
  'audit.AuditorKeyRevoked.v1': 'The auditor key {keyId} was revoked{reason?: <reason>}.',
  'audit.HistoryRead.v1': '{auditor} read the history of {thing}{upTo? up to position <upTo>}.',
  'audit.TraceRead.v1': '{auditor} read what {of} has caused{upTo? up to position <upTo>}.',
  'audit.StateRead.v1': '{auditor} read the state of {thing}{at? at <at>}{diffFrom?, compared with <diffFrom>}.',
  'audit.VerificationRead.v1':
    '{auditor} verified {eventsRead} events{stream? of <stream>}{category? of <category>}{upTo? up to position <upTo>}.',
  'audit.SealsRead.v1': '{auditor} read the seals.',
  'noctant.OperatorCreated.v1': 'The operator {name} ({slug}) was created in {environment}.',
  'noctant.OperatorSuspended.v1': 'The operator was suspended{reason?: <reason>}.',
  'noctant.OperatorResumed.v1': 'The operator was resumed{reason?: <reason>}.',
  'noctant.OperatorSlugClaimed.v1': 'The slug {slug} was claimed.',
  'noctant.ApiKeyIssued.v1': 'The API key {keyId}{label? (<label>)} was issued.',
  'noctant.ApiKeyRevoked.v1': 'The API key {keyId} was revoked{reason?: <reason>}.',
  'noctant.ApiKeyRotated.v1': 'The API key {keyId} was replaced by {replacedBy}; it works until {validUntil}.',
  'noctant.UserProvisioned.v1': 'The user {externalId}{email? (<email>)} was provisioned.',
  'noctant.UserProfileRefreshed.v1': 'The profile became{displayName? <displayName>}{email? <email>}.',
  'noctant.UserForgotten.v1': 'The person was forgotten{reference? (<reference>)}: their key is destroyed.',
  'noctant.KycStatusReported.v1': 'KYC was reported as {status}{previousStatus? after <previousStatus>}.',
  'noctant.KycReportOvertaken.v1': 'A KYC report of {status} came late; {standingStatus} stands.',
  'noctant.AccountOpened.v1':
    'The account {accountNumber} ({externalAccountId}) was opened with {initialBalance} {currency}.',
  'noctant.AccountStatusChanged.v1': 'The status went from {from} to {to}{reason?: <reason>}.',
  'noctant.AccountStatusKept.v1': 'The status {status} was asked for, which it had already.',
  'noctant.AccountAttemptStarted.v1': 'Attempt {attemptNumber} began with {initialBalance}.',
  'noctant.AccountCorrectionRequested.v1': 'A correction of {amount} {currency} was asked for: {reason}.',
  'noctant.EngineCommandRequested.v1':
    'The engine was asked to {order.kind}{order.amount? (<order.amount>)} (order {sequence}).',
  'noctant.EngineCommandPublished.v1': 'The engine’s order {commandId} was published.',
  'noctant.EngineCommandRepublished.v1': 'The engine’s order {commandId} was published again (attempt {attempt}).',
  'noctant.EngineCommandDeadLettered.v1':
    'The engine’s order {commandId} was given up after {attempts} attempts: {reason}.',
  'noctant.EngineCommandDecided.v1': 'The engine {outcome} {kind}{reason?: <reason>}.',
  'noctant.EngineAccountOpened.v1': 'The engine opened the account with {balance} {currency}.',
  'noctant.EngineTradingStatusChanged.v1': 'Trading became {tradingStatus}{reason?: <reason>}.',
  'noctant.EngineOrderPlaced.v1': 'An order to {side} {quantity} {symbol} ({orderType}) was placed by {source}.',
  'noctant.EngineOrderRejected.v1': 'An order to {side} {quantity} {symbol} was refused: {reason}.',
  'noctant.EngineOrderFilled.v1': '{quantity} {symbol} were filled at {price} ({side}, {status}).',
  'noctant.EngineOrderCancelled.v1': 'The order {orderId} was {status}: {reason}.',
  'noctant.EnginePositionChanged.v1': 'The {side} position became {quantity} {symbol} at {averageEntryPrice}.',
  'noctant.EnginePositionClosed.v1': 'The position in {symbol} was closed.',
  'noctant.EngineTradeClosed.v1':
    'A {side} trade of {quantity} {symbol} closed with {netPnl} {pnlCurrency} ({closeReason}).',
  'noctant.EngineBalanceChanged.v1': 'The balance changed by {change} ({cause}) to {balance}.',
  'noctant.EngineAccountMarked.v1': 'The account was valued: balance {balance}, equity {equity}.',
  'noctant.OperatorOriginsChanged.v1': 'The origins that launches may return to were changed.',
  'noctant.LaunchSessionCreated.v1': 'A launch to {requestedRoute} was made; its link works until {expiresAt}.',
  'noctant.LaunchSessionRedeemed.v1': 'The launch link was used.',
  'noctant.BrowserSessionAttached.v1': 'A browser was signed in until {expiresAt}.',
  'noctant.PayoutApproved.v1': 'The payout was approved.',
  'noctant.PayoutRejected.v1': 'The payout was rejected{reason?: <reason>}.',
  'noctant.PayoutExecuted.v1': 'The payout was executed.',
  'noctant.ChallengePassed.v1': 'The challenge was passed.',
  'noctant.ChallengeFailed.v1': 'The challenge was failed{reason?: <reason>}.',
}

/** The envelope tells the time already, and ids and hashes say nothing to a reader; the data has them all. */
const isNameless = (key: string): boolean => key === 'occurredAt' || /(Id|Hash)$/.test(key)
/** What a sentence can carry. */
const VALUES_MAX = 6
const VALUE_LENGTH_MAX = 80

export function sentenceOf({ type, data }: AnyEvent): string {
  const pattern = sentences[type]
  if (pattern === undefined) return genericSentence(type, data)
  // In one pass: what an event brings along is never taken for a placeholder.
  return pattern.replace(/\{([\w.]+)(?:\?([^}]*))?\}/g, (_, path: string, text: string | undefined) => {
    const value = valueAt(data, path)
    if (text === undefined) return shown(value)
    if (value === undefined) return ''
    return text.replace(/<([\w.]+)>/g, (_match, inner: string) => shown(valueAt(data, inner)))
  })
}

/** `noctant.ChallengeStepPassed.v1` → `Challenge step passed: instanceId …, step 2`. */
function genericSentence(type: string, data: Record<string, unknown>): string {
  const name = type.split('.')[1] ?? type
  const words = name.replace(
    /([a-z])([A-Z])/g,
    (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  )
  const values = Object.entries(data)
    .filter(([key, value]) => !isNameless(key) && value !== null && typeof value !== 'object')
    .slice(0, VALUES_MAX)
    .map(([key, value]) => `${key} ${shown(value)}`)
  return values.length === 0 ? words : `${words}: ${values.join(', ')}`
}

function valueAt(data: Record<string, unknown>, path: string): unknown {
  let value: unknown = data
  for (const key of path.split('.')) {
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string, unknown>)[key]
        : undefined
  }
  return value ?? undefined
}

/** On one line, bounded: what stands in an event may come from outside. */
function shown(value: unknown): string {
  const text = value === undefined ? 'unknown' : typeof value === 'object' ? JSON.stringify(value) : String(value)
  const line = text.replace(/\p{Cc}+/gu, ' ')
  return line.length > VALUE_LENGTH_MAX ? `${line.slice(0, VALUE_LENGTH_MAX)}…` : line
}
