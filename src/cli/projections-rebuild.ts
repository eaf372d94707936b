/**
 * `opslog projections rebuild | rollback | verify`: everything that works on a second set of tables. The instance goes
 * on meanwhile, in its own processes; what is killed here is gone on with by the same command.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { withoutLeader } from '../postgres/leadership.ts'
import { projectionsCheckpoint } from '../projections/checkpoint.ts'
import { projectorName } from '../projections/projector.ts'
import { type Comparison, compareWithLive, mergedComparison, rowsDiffering } from '../projections/rebuild/compare.ts'
import { rebuild } from '../projections/rebuild/rebuild.ts'
import { dropShadow, openShadow, type ShadowProgress } from '../projections/rebuild/shadow.ts'
import { readShadows } from '../projections/rebuild/status.ts'
import { previousSchema } from '../projections/rebuild/swap.ts'
import { storedVersions } from '../projections/schema.ts'
import { duration, showProgress } from './progress-bar.ts'
import { showComparison } from './projections-comparison.ts'
import {
  begunOf,
  byContext,
  chosenProjection,
  chosenProjections,
  exclusively,
  type ProjectionSession,
  requireCheckpoint,
  withProjectionSession,
} from './projections-session.ts'
import type { OutputOptions } from './table-output.ts'
import { CliError, EXIT, show } from './terminal.ts'

export interface RebuildOptions extends OutputOptions {
  all?: boolean
  dryRun?: boolean
  keepPrevious?: boolean
  fresh?: boolean
  requireEqual?: boolean
  limit: number
}

const REBUILD_SCHEMA = 'opslog_rebuild_cli'
const VERIFY_SCHEMA = 'opslog_verify'
const ESTIMATE_SCHEMA = 'opslog_estimate'
/** The swap lets readers pass before Postgres starts to look for deadlocks (deadlock_timeout, 1 s). */
const SWAP_LOCK_TIMEOUT_MS = 400
const ESTIMATE_MS = 3_000

export async function rebuildProjections(names: string[], options: RebuildOptions): Promise<void> {
  const groups = byContext(chosenProjections(names, options.all))
  await withProjectionSession(async (session) => {
    if (options.dryRun) return estimate(session, groups, options)
    await exclusively(session, 'rebuild from the command line', async () => {
      const done: Exchanged[] = []
      for (const group of await begunOf(session, groups)) {
        await requireCheckpoint(session, group.name)
        await refuseOtherVersions(session, group)
        if (options.fresh) await dropShadow(session.db, REBUILD_SCHEMA)
        await dropForeignShadow(session)
        done.push(await exchange(session, group, REBUILD_SCHEMA, options, 'rebuild'))
      }
      showExchanged(done, options, 'rebuilt')
    })
  })
}

export async function rollbackProjection(name: string, options: RebuildOptions): Promise<void> {
  const projection = chosenProjection(name)
  const [group] = byContext([projection])
  await withProjectionSession(async (session) => {
    await requireCheckpoint(session, group!.name)
    await exclusively(session, 'rebuild from the command line', async () => {
      const schema = previousSchema(name)
      const shadows = await readShadows(session.db)
      const version = shadows.find((shadow) => shadow.schema === schema)?.projections[0]?.version
      if (version === undefined) {
        throw new CliError(EXIT.refused, `no tables of ${name} are kept`, 'rebuild --keep-previous keeps them.')
      }
      if (version !== projection.version) {
        throw new CliError(
          EXIT.refused,
          `the tables kept of ${name} are of version ${version}, this release has ${projection.version}`,
          'Run the rollback with the release that made them: only its handlers can bring them up to date.',
        )
      }
      if (!(await isOfThisLog(session, schema))) {
        throw new CliError(EXIT.refused, `the tables kept of ${name} were made from another log`, 'Rebuild it instead.')
      }
      await refuseOtherVersions(session, group!)
      showExchanged(
        [await exchange(session, group!, schema, { ...options, keepPrevious: true }, 'roll back')],
        options,
        'rolled back',
      )
    })
  })
}

export async function verifyProjections(names: string[], options: RebuildOptions): Promise<void> {
  const groups = byContext(chosenProjections(names, options.all))
  await withProjectionSession(async (session) => {
    await exclusively(session, 'verification of projections', async () => {
      const comparisons: Comparison[] = []
      for (const group of await begunOf(session, groups)) comparisons.push(await verify(session, group, options))
      const comparison = mergedComparison(comparisons)
      showComparison(comparison, options, 'verified')
      if (rowsDiffering(comparison) > 0) process.exitCode = EXIT.refused
    })
  })
}

async function verify(session: ProjectionSession, group: Group, options: RebuildOptions): Promise<Comparison> {
  const target = await requireCheckpoint(session, group.name)
  await dropShadow(session.db, VERIFY_SCHEMA)
  const progress = showProgress('verify')
  try {
    const shadow = await openShadow({
      ...shadowOptions(session, group),
      schema: VERIFY_SCHEMA,
      onProgress: progress.update,
    })
    await shadow.catchUp(target)
    await shadow.finish()
    return await compareWithLive({ ...shadowOptions(session, group), differencesMax: options.limit }, shadow)
  } finally {
    progress.stop()
    await dropShadow(session.db, VERIFY_SCHEMA)
  }
}

/** Projections of one context, which share a checkpoint. */
type Group = ReturnType<typeof byContext>[number]

const shadowOptions = (session: ProjectionSession, { name, projections }: Group) => ({
  db: session.db,
  projections,
  checkpoint: projectionsCheckpoint(name),
  // Another context's personal data is none of a rebuild's business, and its keys may not be here.
  readHistory: (after: bigint | undefined) => session.readHistory(after, [`${name}.`]),
  signal: session.signal,
  transactionAttemptsMax: session.transactionAttemptsMax,
})

/** What an exchange found and took. */
interface Exchanged {
  comparison: Comparison | undefined
  events: number
  elapsedMs: number
}

/** Fills the schema up to the live tables, compares and exchanges. */
async function exchange(
  session: ProjectionSession,
  group: Group,
  schema: string,
  options: RebuildOptions,
  title: 'rebuild' | 'roll back',
): Promise<Exchanged> {
  const progress = showProgress(title)
  const startedMs = performance.now()
  let last: ShadowProgress | undefined
  let comparison: Comparison | undefined
  try {
    await rebuild({
      ...shadowOptions(session, group),
      schema,
      lockTimeoutMs: SWAP_LOCK_TIMEOUT_MS,
      keepPrevious: options.keepPrevious ?? false,
      differencesMax: options.limit,
      exclusively: (work) => work(),
      onSwapped: () => undefined,
      onProgress(now) {
        last = now
        progress.update(now)
      },
      onCompared(found) {
        progress.stop()
        comparison = found
        if (!options.requireEqual || rowsDiffering(found) === 0) return
        showComparison(found, options, 'not exchanged')
        throw new CliError(EXIT.refused, 'the rebuilt tables differ from the live ones, which go on serving')
      },
    })
  } finally {
    progress.stop()
  }
  return { comparison, events: last?.events ?? 0, elapsedMs: performance.now() - startedMs }
}

function showExchanged(exchanged: readonly Exchanged[], options: RebuildOptions, done: string): void {
  const comparisons = exchanged.map(({ comparison }) => comparison).filter((comparison) => comparison !== undefined)
  const events = exchanged.reduce((sum, each) => sum + each.events, 0)
  const elapsedMs = exchanged.reduce((sum, each) => sum + each.elapsedMs, 0)
  if (comparisons.length > 0) showComparison(mergedComparison(comparisons), options, done, { events, elapsedMs })
}

/**
 * An exchange for another version is the projector's: one of an older release would write into tables that it does not
 * know. Where nobody writes, the next release to start does.
 */
async function refuseOtherVersions({ db }: ProjectionSession, { name, projections }: Group): Promise<void> {
  const versions = await storedVersions(db)
  const other = projections.find(({ name, version }) => versions.get(name) !== version)
  if (!other || (await withoutLeader(db, [projectorName(name)])).length > 0) return
  throw new CliError(
    EXIT.refused,
    `the live tables of ${other.name} are of version ${versions.get(other.name) ?? 'none'}, this release has ${other.version}`,
    'The projector of this release rebuilds them by itself as soon as it leads; an older one would not know them.',
  )
}

/** A shadow that was begun on another log, or on one that has been cut short since, is of no use. */
async function dropForeignShadow(session: ProjectionSession): Promise<void> {
  if (!(await isOfThisLog(session, REBUILD_SCHEMA))) await dropShadow(session.db, REBUILD_SCHEMA)
}

async function isOfThisLog({ db, store }: ProjectionSession, schema: string): Promise<boolean> {
  const shadows = await readShadows(db)
  const checkpoint = shadows.find((shadow) => shadow.schema === schema)?.checkpoint
  return !checkpoint || (await store.eventIdAt(checkpoint.position)) === checkpoint.eventId
}

/** Builds into the shadow schema for a few seconds, and extrapolates from that. */
async function estimate(session: ProjectionSession, groups: readonly Group[], options: RebuildOptions): Promise<void> {
  const projections = groups.flatMap((group) => group.projections)
  const [sample] = await begunOf(session, groups)
  const target = await requireCheckpoint(session, sample!.name)
  const enough = new AbortController()
  const signal = AbortSignal.any([session.signal, enough.signal])
  void delay(ESTIMATE_MS, undefined, { signal: session.signal, ref: false }).then(
    () => enough.abort(),
    () => undefined,
  )
  let seen: ShadowProgress | undefined
  const startedMs = performance.now()
  await exclusively(session, 'estimate of a rebuild', async () => {
    await dropShadow(session.db, ESTIMATE_SCHEMA)
    try {
      const shadow = await openShadow({
        ...shadowOptions(session, { name: sample!.name, projections }),
        signal,
        schema: ESTIMATE_SCHEMA,
        onProgress: (now) => {
          seen = now
        },
      })
      await shadow.catchUp(target)
    } catch (error) {
      if (!enough.signal.aborted) throw error
    } finally {
      await dropShadow(session.db, ESTIMATE_SCHEMA)
    }
  })
  session.signal.throwIfAborted()
  const elapsedMs = performance.now() - startedMs
  const { events, position } = seen ?? { events: 0, position: 0n }
  const share = target === 0n || position === 0n ? 1 : Number((position * 1_000_000n) / target) / 1_000_000
  const report = {
    projections: projections.map(({ name }) => name),
    sampled_events: events,
    estimated_events: Math.round(events / share),
    events_per_second: Math.round(events / (elapsedMs / 1000)),
    estimated_ms: Math.round(elapsedMs / share),
  }
  show(report, options, () =>
    [
      `would rebuild ${report.projections.join(', ')}`,
      `about ${report.estimated_events} events at ${report.events_per_second}/s: about ${duration(report.estimated_ms)}`,
      'nothing was changed',
    ].join('\n'),
  )
}
