/** Asking for a job: an event of whoever has signed in, which a process of the projector role carries out. */
import { html } from 'hono/html'
import { type JobFacts, job } from '../../commands/console/job.ts'
import { deterministicId } from '../../commands/identity.ts'
import { sizesOf } from '../../projections/console/sizes.ts'
import type { Acting, Markup, Performed } from '../pages/declaration.ts'
import type { ConsoleParts } from './access.ts'

type Of = Pick<JobFacts, 'kind'> & Partial<Pick<JobFacts, 'context' | 'projection' | 'stream' | 'category'>>

/** `to`: where the browser goes on; default: the thing. */
export async function askFor(acting: Acting<ConsoleParts>, of: Of, says: string, to?: string): Promise<Performed> {
  const { parts, viewer, command, reason, runtime } = acting
  const jobId = deterministicId('console.job', command.commandId)
  const nothing = { context: null, projection: null, stream: null, category: null }
  const facts = { jobId, ...nothing, ...of, reason: reason || null, requestedBy: viewer.name }
  const { position } = await parts.bus.handle(job, jobId, { kind: 'request', facts, at: command.at }, command)
  if (position !== undefined) await parts.waiter.waitFor(position, runtime.limits.readYourWritesWaitMs)
  const path = `/jobs/${jobId}`
  return { message: says, links: [['The job', path]], to: to ?? path }
}

const megabytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1)

/** `3 tables with about 1200 rows, 4.1 MiB`, as Postgres knows without counting. */
export async function sizeOf({ db }: ConsoleParts, tables: readonly string[]): Promise<Markup> {
  const sizes = await sizesOf(db, tables)
  const rows = sizes.reduce((sum, each) => sum + (each.rows ?? 0), 0)
  const bytes = sizes.reduce((sum, each) => sum + each.bytes, 0)
  const count = sizes.length === 1 ? '1 table' : `${sizes.length} tables`
  const known = sizes.every((each) => each.rows !== undefined) ? `about ${rows} rows` : 'rows that were not counted yet'
  return html`${count} with ${known}, ${megabytes(bytes)} MiB`
}
