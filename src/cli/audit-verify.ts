/** `opslog audit verify`: reads the log once and names everything that is wrong with it. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { type ExportedEvent, parseExportLine } from '../audit/export.ts'
import type { RawLog } from '../audit/raw-log.ts'
import { readSeals } from '../audit/seal.ts'
import { readVerification, type VerificationPage } from '../audit/verification.ts'
import type { Seal } from '../events/seal.ts'
import { pinnedKeys, sealsOfFile } from './audit-seal.ts'
import { askLog } from './audit-session.ts'
import { duration } from './progress-bar.ts'
import { table } from './table.ts'
import { csvLine, type OutputOptions } from './table-output.ts'
import { CliError, colours, EXIT, facts, show } from './terminal.ts'

export interface VerifyOptions extends OutputOptions {
  stream?: string
  category?: string
  all?: boolean
  seals?: boolean
  sealFile?: string
  publicKey?: string
  export?: string
}

/** Findings kept for JSON and CSV; all are counted. */
const FINDINGS_MAX = 10_000
/** Findings in a table for people: a longer one is nobody's to read, and slow to draw. */
const TABLE_ROWS_MAX = 100

/** Beyond any position: what is appended meanwhile is verified as well. */
const NO_END = 2n ** 63n - 1n

/** What became of the seals: nobody can say whether one holds who knows no key of their own. */
type SealsStatus = 'checked' | 'not_asked' | 'no_pinned_key'

interface Report extends VerificationPage {
  sealsStatus: SealsStatus
  /** The keys of persons were at hand, so that personal fields were looked into as well. */
  personalChecked: boolean
  elapsedMs: number
}

export async function verify(options: VerifyOptions): Promise<void> {
  if ((options.stream || options.category) && (options.seals || options.sealFile || options.export)) {
    throw new CliError(EXIT.usage, 'a seal, and an export, are over the whole log: leave --stream and --category out')
  }
  const report = await verifyLog(options)
  if (report.findingsTotal > 0) process.exitCode = EXIT.refused
  else if (report.sealsStatus === 'no_pinned_key') process.exitCode = EXIT.unchecked
  if (options.csv) {
    const rows = report.findings.map(({ kind, stream, revision, position, type, detail }) =>
      csvLine([kind, stream, `${revision}`, `${position}`, type, detail]),
    )
    process.stdout.write(csvLine(['kind', 'stream', 'revision', 'position', 'type', 'detail']) + rows.join(''))
    return
  }
  show(jsonOf(report), options, () => textOf(report, options))
}

async function verifyLog(options: VerifyOptions): Promise<Report> {
  const startedMs = performance.now()
  const { stream, category } = options
  let personalChecked = false
  let sealsStatus: SealsStatus = 'not_asked'
  const page = await askLog('verify', async (ground) => {
    personalChecked = ground.personKeys !== undefined
    const known = options.seals || options.sealFile ? await sealsToCheck(ground.log, options) : undefined
    const pinned = pinnedKeys(options.publicKey)
    if (known) sealsStatus = pinned.length > 0 ? 'checked' : 'no_pinned_key'
    const seals = sealsStatus === 'checked' ? known : undefined
    const exported = options.export === undefined ? undefined : exportedEvents(options.export)
    const question = { stream, category, seals, pinned, exported, findingsMax: FINDINGS_MAX, keepsOn: true }
    return readVerification(ground, question, { after: undefined, revision: 0n, until: NO_END, tree: undefined })
  })
  if (page.events === 0 && page.findingsTotal === 0 && (stream || category)) {
    throw new CliError(EXIT.refused, `there are no events of ${stream ?? category}`)
  }
  return { ...page, personalChecked, sealsStatus, elapsedMs: performance.now() - startedMs }
}

/** The events of a file that `export --out` wrote. Throws CliError where it is none. */
async function* exportedEvents(file: string): AsyncIterable<ExportedEvent> {
  try {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      if (line !== '') yield parseExportLine(line)
    }
  } catch (error) {
    throw new CliError(EXIT.usage, `${file} is not an export: ${error instanceof Error ? error.message : error}`)
  }
}

async function sealsToCheck(log: RawLog, { sealFile }: VerifyOptions): Promise<Seal[]> {
  const recorded = await readSeals(log)
  const given = sealFile ? sealsOfFile(sealFile) : []
  const known = new Set(recorded.map(({ signature }) => signature))
  const seals = [...recorded, ...given.filter(({ signature }) => !known.has(signature))]
  if (seals.length === 0) throw new CliError(EXIT.refused, 'the log was never sealed', '`opslog audit seal` does it.')
  return seals
}

const jsonOf = ({
  findings,
  findingsTotal,
  events,
  streams,
  foreignEvents,
  foreignStreams,
  compared,
  seals,
  sealsStatus,
  personalChecked,
  elapsedMs,
}: Report) => ({
  ok: findingsTotal === 0 && sealsStatus !== 'no_pinned_key',
  events,
  streams,
  foreign_events: foreignEvents,
  foreign_streams: foreignStreams,
  compared,
  findings_total: findingsTotal,
  findings: findings.map((finding) => ({
    ...finding,
    revision: finding.revision < 0n ? null : `${finding.revision}`,
    position: `${finding.position}`,
  })),
  seals_status: sealsStatus,
  seals: seals.map(({ seal, fault }) => ({
    position: seal.position,
    events: seal.events,
    root: seal.root,
    public_key: seal.publicKey,
    sealed_at: seal.occurredAt,
    ok: fault === undefined,
  })),
  personal_checked: personalChecked,
  duration_ms: Math.round(elapsedMs),
})

/** Anybody can make a seal with a key of their own, and name that: the machine that is looked at proves nothing. */
const NOT_CHECKED =
  'not checked: no pinned key. Give --public-key or SEAL_PUBLIC_KEYS a key that you kept elsewhere; ' +
  '`opslog audit seals` shows the keys that the log names.'

function verdictOf({ findingsTotal, sealsStatus }: Report): string {
  if (findingsTotal > 0) return colours.red(`${findingsTotal} findings`)
  return sealsStatus === 'no_pinned_key' ? colours.yellow('whole, but for the seals') : colours.green('whole')
}

/** What is wrong and where counts more than at which position the log has it. */
const HEAD = [
  ...['what', { name: 'stream', rank: 1 }, { name: 'revision', rank: 2 }],
  ...[
    { name: 'position', rank: 5 },
    { name: 'type', rank: 4 },
    { name: 'detail', rank: 3 },
  ],
]

function textOf(report: Report, options: VerifyOptions): string {
  const rows = report.findings
    .slice(0, TABLE_ROWS_MAX)
    .map(({ kind, stream, revision, position, type, detail }) => [
      colours.red(kind),
      stream,
      revision < 0n ? '' : `${revision}`,
      `${position}`,
      type,
      detail,
    ])
  const left = report.findingsTotal - rows.length
  const held = report.seals.filter(({ fault }) => fault === undefined).length
  return [
    ...(rows.length > 0 ? [table(HEAD, rows, options)] : []),
    ...(left > 0 ? [`and ${left} more; --csv and --json list the first ${FINDINGS_MAX} of all`] : []),
    facts([
      ['events', `${report.events}`],
      ['streams', `${report.streams}`],
      ...(report.foreignEvents > 0
        ? [['passed over', `${report.foreignEvents} events of ${report.foreignStreams} other streams`] as const]
        : []),
      ...(report.seals.length > 0 ? [['seals', `${held} of ${report.seals.length} hold`] as const] : []),
      ...(report.sealsStatus === 'no_pinned_key' ? [['seals', colours.yellow(NOT_CHECKED)] as const] : []),
      ...(report.compared > 0 ? [['as exported', `${report.compared} events compared`] as const] : []),
      ['personal', report.personalChecked ? 'looked into' : 'not looked into: needs DATABASE_URL and SECRETS_KEY'],
      ['time', duration(report.elapsedMs)],
      ['verdict', verdictOf(report)],
    ]),
  ].join('\n')
}
