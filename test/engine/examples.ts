/**
 * Example commands and prices of the engine's tests.
 */
import { randomUUID } from 'node:crypto'
import type { AccountCommand } from '../../src/gateway/contract.ts'

/** Prices to begin with; tests move them by `feed.set`. */
export const startingPrices = {
  EURUSD: ['1.09990', '1.10000'],
  GBPUSD: ['1.26990', '1.27000'],
  USDJPY: ['150.000', '150.010'],
  XAUUSD: ['2649.90', '2650.10'],
  BTCUSD: ['67990.00', '68010.00'],
} as const

type CommandFacts<K extends AccountCommand['kind']> = Omit<
  Extract<AccountCommand, { kind: K }>,
  'kind' | 'commandId' | 'accountId' | 'sequence' | 'attempt' | 'issuedAt'
>

/** A command with its head filled in. */
export function commandOf<K extends AccountCommand['kind']>(
  kind: K,
  accountId: string,
  sequence: number,
  facts: CommandFacts<K>,
): AccountCommand {
  const head = { commandId: randomUUID(), accountId, sequence, attempt: 0, issuedAt: '2026-03-02T10:00:00.000Z' }
  return { ...head, kind, ...facts } as unknown as AccountCommand
}

export const openingOf = (accountId: string, facts: Partial<CommandFacts<'open_account'>> = {}) =>
  commandOf('open_account', accountId, 1, {
    currency: 'USD',
    initialBalance: '100000.00',
    executionProfileKey: 'standard',
    ...facts,
  })
