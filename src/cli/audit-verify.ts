/** `opslog audit verify`: reads the log once and names everything that is wrong with it. */

import type { RawEvent, RawLog } from '../audit/raw-log.ts'
import type { CheckedSeal, SealChecker } from '../audit/seal.ts'
import { createSealChecker } from '../audit/seal.ts'
import { createVerifier, type Finding } from '../audit/verifier.ts'
import { categoryOf } from '../events/event.ts'
import { SEAL_STREAM } from '../events/seal.ts'
import { readSeals, sealsOfFile, trustedKey } from './audit-seal.ts'
import { allFolds, withRawLog } from './audit-session.ts'
import { duration, showProgress } from './progress-bar.ts'
import { csvLine, type OutputOptions } from './table-output.ts'
import { CliError, colours, EXIT, facts, show, table } from './terminal.ts'

export interface VerifyOptions extends OutputOptions {
  stream?: string
  category?: string
  all?: boolean
  seals?: boolean
  sealFile?: string
  publicKey?: string
}

/** Findings shown; all are counted. */
const FINDINGS_MAX = 10_000
const PROGRESS_EVENTS = 2_000

interface Report {
  findings: Finding[]
  findingsTotal: number
  events: number
  streams: number
  seals: CheckedSeal[]
  elapsedMs: number
}

export async function verify(options: VerifyOptions): Promise<void> {
  if ((options.stream || options.category) && (options.seals || options.sealFile)) {
    throw new CliError(EXIT.usage, 'a seal is over the whole log: leave --stream and --category out')
  }
  const report = await withRawLog((log) => verifyLog(log, options))
  if (report.findingsTotal > 0) process.exitCode = EXIT.refused
  if (options.csv) {
    const rows = report.findings.map(({ kind, stream, revision, position, type, detail }) =>
      csvLine([kind, stream, `${revision}`, `${position}`, type, detail]),
    )
    process.stdout.write(csvLine(['kind', 'stream', 'revision', 'position', 'type', 'detail']) + rows.join(''))
    return
  }
  show(jsonOf(report), options, () => textOf(report))
}

async function verifyLog(log: RawLog, options: VerifyOptions): Promise<Report> {
  const startedMs = performance.now()
  const report: Report = { findings: [], findingsTotal: 0, events: 0, streams: 0, seals: [], elapsedMs: 0 }
  const onFinding = (finding: Finding) => {
    report.findingsTotal += 1
    if (report.findings.length < FINDINGS_MAX) report.findings.push(finding)
  }
  const verifier = createVerifier({
    folds: await allFolds(),
    onFinding,
    readStream: (stream) => log.readStream(stream),
  })
  const seals = options.seals || options.sealFile ? await sealChecker(log, options) : undefined
  const progress = showProgress('verify')
  try {
    await pass(log, options, progress.update, async (event) => {
      seals?.add(event)
      const again = verifier.check(event)
      if (again) await again
    })
  } finally {
    progress.stop()
  }
  report.seals = seals?.finish() ?? []
  for (const checked of report.seals) if (checked.fault !== undefined) onFinding(sealFinding(checked))
  const { events, streamsBegun } = verifier.figures()
  return { ...report, events, streams: streamsBegun, elapsedMs: performance.now() - startedMs }
}

async function pass(
  log: RawLog,
  options: VerifyOptions,
  update: (progress: { position: bigint; target: bigint; events: number }) => void,
  work: (event: RawEvent) => Promise<void>,
): Promise<void> {
  const target = (await log.head()) ?? 0n
  let events = 0
  for await (const event of options.stream ? log.readStream(options.stream) : log.readAll()) {
    if (options.category && categoryOf(event.stream) !== options.category) continue
    await work(event)
    events += 1
    if (events % PROGRESS_EVENTS === 0) update({ position: event.position, target, events })
  }
  if (events === 0 && (options.stream || options.category)) {
    throw new CliError(EXIT.refused, `there are no events of ${options.stream ?? options.category}`)
  }
}

async function sealChecker(log: RawLog, options: VerifyOptions): Promise<SealChecker> {
  const recorded = await readSeals(log)
  const given = options.sealFile ? sealsOfFile(options.sealFile) : []
  const known = new Set(recorded.map(({ signature }) => signature))
  const seals = [...recorded, ...given.filter(({ signature }) => !known.has(signature))]
  if (seals.length === 0) throw new CliError(EXIT.refused, 'the log was never sealed', '`opslog audit seal` does it.')
  return createSealChecker(seals, trustedKey(options.publicKey))
}

const sealFinding = ({ seal, fault }: CheckedSeal): Finding => ({
  kind: 'seal',
  stream: SEAL_STREAM,
  revision: -1n,
  position: BigInt(seal.position),
  type: 'opslog.LogSealed.v1',
  detail: `the seal of ${seal.occurredAt} does not hold: ${fault}`,
})

const jsonOf = ({ findings, findingsTotal, events, streams, seals, elapsedMs }: Report) => ({
  ok: findingsTotal === 0,
  events,
  streams,
  findings_total: findingsTotal,
  findings: findings.map((finding) => ({
    ...finding,
    revision: finding.revision < 0n ? null : `${finding.revision}`,
    position: `${finding.position}`,
  })),
  seals: seals.map(({ seal, fault }) => ({
    position: seal.position,
    events: seal.events,
    root: seal.root,
    public_key: seal.publicKey,
    sealed_at: seal.occurredAt,
    ok: fault === undefined,
  })),
  duration_ms: Math.round(elapsedMs),
})

function textOf(report: Report): string {
  const rows = report.findings.map(({ kind, stream, revision, position, type, detail }) => [
    colours.red(kind),
    stream,
    revision < 0n ? '' : `${revision}`,
    `${position}`,
    type,
    detail,
  ])
  const left = report.findingsTotal - report.findings.length
  const held = report.seals.filter(({ fault }) => fault === undefined).length
  return [
    ...(rows.length > 0 ? [table(['what', 'stream', 'revision', 'position', 'type', 'detail'], rows)] : []),
    ...(left > 0 ? [`and ${left} more`] : []),
    facts([
      ['events', `${report.events}`],
      ['streams', `${report.streams}`],
      ...(report.seals.length > 0 ? [['seals', `${held} of ${report.seals.length} hold`] as const] : []),
      ['time', duration(report.elapsedMs)],
      [
        'verdict',
        report.findingsTotal === 0 ? colours.green('whole') : colours.red(`${report.findingsTotal} findings`),
      ],
    ]),
  ].join('\n')
}
