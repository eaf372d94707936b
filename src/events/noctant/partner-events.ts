/**
 * The public side of the log: which events partners are told of, under which name, and which of their facts. These names
 * and fields are a promise to whoever receives webhooks: add to them, never change them. docs/webhooks.md says the rest.
 */
import type { EventOf } from '../event.ts'
import type { accountEvents } from './account.ts'
import type { engineEvents } from './engine.ts'
import type { engineCommandEvents } from './engine-command.ts'
import type { userEvents } from './user.ts'

type Sources = typeof userEvents & typeof accountEvents & typeof engineCommandEvents & typeof engineEvents
type SourceType = keyof Sources & string
type FieldOf<T extends SourceType> = keyof Extract<EventOf<Sources>, { type: T }>['data'] & string

export interface PartnerEvent {
  /** What partners call it: `account.opened`. */
  type: string
  /** One sentence on when it comes. */
  says: string
  /** Members of the event's data that are passed on, in snake case. */
  fields: readonly string[]
}

const told = <T extends SourceType>(source: T, type: string, says: string, fields: readonly FieldOf<T>[]) =>
  [source, { type, says, fields }] as const

const user = ['globalUserId', 'email', 'displayName'] as const
const account = ['programAccountId', 'accountId'] as const
const trade = ['tradeId', 'symbol', 'side', 'quantity', 'entryPrice', 'exitPrice'] as const
const profit = ['grossPnl', 'commission', 'swap', 'netPnl', 'pnlCurrency', 'closeReason'] as const

/** By our event type, in the order of the documents. */
export const partnerEvents: ReadonlyMap<string, PartnerEvent> = new Map<string, PartnerEvent>([
  told('noctant.UserProvisioned.v1', 'user.provisioned', 'A user is known from now on.', [...user, 'externalId']),
  told('noctant.UserProfileRefreshed.v1', 'user.updated', 'A user has another email or display name.', user),
  told('noctant.AccountOpened.v1', 'account.opened', 'An account is open; the engine has been told.', [
    ...account,
    'attemptId',
    'accountNumber',
    'globalUserId',
    'externalAccountId',
    'accountName',
    'productId',
    'currency',
    'initialBalance',
    'executionMode',
    'marketMode',
    'programType',
    'provisioningSource',
  ]),
  told('noctant.AccountStatusChanged.v1', 'account.status_changed', 'An account was disabled or made active again.', [
    ...account,
    'from',
    'to',
    'reason',
  ]),
  told('noctant.EngineCommandDecided.v1', 'command.confirmed', 'The engine has a command on record, and decided it.', [
    'commandId',
    'accountId',
    'kind',
    'outcome',
    'reasonCode',
    'reason',
  ]),
  told(
    'noctant.EngineCommandDeadLettered.v1',
    'command.dead_lettered',
    'A command was given up: no confirmation came.',
    ['commandId', 'accountId', 'attempts', 'reason'],
  ),
  told('noctant.EngineTradeClosed.v1', 'trade.closed', 'A position, or a part of one, was closed.', [
    'accountId',
    'positionId',
    ...trade,
    'entryTime',
    ...profit,
  ]),
])

/** Every name that an endpoint may subscribe to. */
export const partnerEventTypes: readonly string[] = [...partnerEvents.values()].map(({ type }) => type)

/** `programAccountId` → `program_account_id`. */
export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The facts that are passed on, as partners read them: snake case down to the last member. */
export function partnerData(
  { fields }: PartnerEvent,
  data: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [snakeCase(field), inSnakeCase(data[field])]))
}

function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [snakeCase(name), inSnakeCase(member)]))
}
