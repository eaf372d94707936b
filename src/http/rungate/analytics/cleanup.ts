/** GET /api/analytics/cleanup-preview and POST /api/analytics/cleanup: old runs, with their steps and entries, are deleted. */
import { z } from '@hono/zod-openapi'
import { type CleanupCommand, cleanup } from '../../../commands/rungate/cleanup.ts'
import { CLEANED_RUNS_MAX, type CleanupFacts } from '../../../events/rungate/cleanup.ts'
import { countOldData, oldRuns } from '../../../projections/rungate/run-analytics.ts'
import { json } from '../../answers.ts'
import { boundedText } from '../../schemas.ts'
import { dashboard, read, write } from '../access.ts'
import { dataOf } from '../schemas.ts'

const DAY_MS = 86_400_000
const DAYS = { default: 30, max: 36_500 }
/** Runs that one request deletes, the oldest ones. */
const RUNS_MAX = 20_000

const NOT_DAYS = `must be a whole number from 1 to ${DAYS.max}`
const isDays = (given: number): boolean => given >= 1 && given <= DAYS.max
const daysQuery = boundedText(20)
  .refine((text) => /^\d{1,9}$/.test(text) && isDays(Number(text)), NOT_DAYS)
  .transform(Number)
  .openapi({ type: 'integer', minimum: 1 })
  .optional()
const input = z
  .object({ days: z.int().min(1).refine(isDays, NOT_DAYS).openapi({ type: 'integer', minimum: 1 }) })
  .openapi('CleanupInput')

const before = (now: Date, days: number): string => new Date(now.getTime() - days * DAY_MS).toISOString()
const count = z.int()

export const previewCleanup = read({
  path: '/api/analytics/cleanup-preview',
  id: 'previewCleanup',
  tags: ['Analytics'],
  summary: 'What a cleanup would delete',
  description: 'Counts the runs that ended longer ago than this, with their steps and entries.',
  access: dashboard('read'),
  query: z.object({ days: daysQuery }),
  answer: json(
    dataOf(z.object({ runs: count, steps: count, ledgerEntries: count }).openapi('OldDataCount')),
    'What there is.',
  ),
  async handle({ db, clock, principal: { accountId }, query: { days = DAYS.default } }) {
    const { runs, steps, ledger_entries } = await countOldData(db, accountId, before(clock(), days))
    return { data: { runs, steps, ledgerEntries: ledger_entries } }
  },
})

export const deleteOldData = write({
  path: '/api/analytics/cleanup',
  id: 'deleteOldData',
  tags: ['Analytics'],
  summary: 'Delete old data',
  description: `Deletes runs that ended longer ago than this, with their steps and entries: ${RUNS_MAX} runs at a time.`,
  access: dashboard('admin'),
  body: input,
  answers: {
    200: json(
      dataOf(
        z
          .object({ runsDeleted: count, stepsDeleted: count, ledgerEntriesDeleted: count })
          .openapi('DeleteOldDataResult'),
      ),
      'What was deleted.',
    ),
  },
  async handle({ bus, db, principal: { accountId, author }, body: { days }, command }) {
    const until = before(new Date(command.at), days)
    const old = await oldRuns(db, accountId, until, RUNS_MAX)
    const of = { accountId, cleanupId: command.commandId, occurredAt: command.at, author, days, before: until }
    const parts: CleanupFacts[] = []
    for (let start = 0; start < old.length; start += CLEANED_RUNS_MAX) {
      const some = old.slice(start, start + CLEANED_RUNS_MAX)
      parts.push({
        ...{ ...of, runIds: some.map(({ run_id }) => run_id), steps: sumOf(some, 'steps') },
        ledgerEntries: sumOf(some, 'ledger_entries'),
      })
    }
    const wanted: CleanupCommand = { kind: 'delete', parts }
    const handled = await bus.handle(cleanup, accountId, wanted, command)
    const data = {
      ...{ runsDeleted: old.length, stepsDeleted: sumOf(old, 'steps') },
      ledgerEntriesDeleted: sumOf(old, 'ledger_entries'),
    }
    return { status: 200, body: { data }, handled }
  },
})

const sumOf = <Name extends 'steps' | 'ledger_entries'>(rows: readonly Record<Name, number>[], name: Name): number =>
  rows.reduce((sum, row) => sum + row[name], 0)
