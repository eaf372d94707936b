/**
 * A verification of the log, of a category or of one stream, whole or in pages. What a page cannot know for want of the
 * pages before is read again within bounds; what still stays open is counted and reported.
 */
import { categoryOf } from '../events/event.ts'
import type { Seal } from '../events/seal.ts'
import { SEAL_STREAM } from '../events/seal.ts'
import { isOthers } from './chain.ts'
import { createComparison } from './comparison.ts'
import { behind, type Damage, damageFindings, damageOf, upToDamage } from './damage.ts'
import type { ExportedEvent } from './export.ts'
import { compareStreamReads, createHiddenCheck } from './hidden.ts'
import type { Ground } from './history.ts'
import type { MerkleState } from './merkle.ts'
import { createPersonalCheck } from './personal.ts'
import { isSystem, type RawEvent } from './raw-log.ts'
import { type Budget, type Walk, type Walked, walk } from './scan.ts'
import { type CheckedSeal, createSealChecker, type SealChecker } from './seal.ts'
import { createVerifier, type Finding } from './verifier.ts'

export interface VerificationQuestion {
  /** At most one of the two; neither: the whole log. */
  stream?: string | undefined
  category?: string | undefined
  /** Seals to be checked, which takes the whole log; undefined: none are. */
  seals?: readonly Seal[] | undefined
  /** The keys of which one must have made each seal. */
  pinned?: readonly string[]
  /** Events as they were exported once, in the log's order, to compare them with; this takes the whole log. */
  exported?: AsyncIterable<ExportedEvent> | undefined
  /** Findings that are kept; all are counted. */
  findingsMax: number
  /** Whether the verification goes on beyond this number of findings, instead of ending the page. */
  keepsOn: boolean
  /** Events that may be read again for streams met in their midst; undefined: any number. */
  recalledMax?: number | undefined
}

/** Where a verification is taken up again. */
export interface VerificationContinuation {
  after: bigint | undefined
  /** Of the stream's next event, where one stream is verified. */
  revision: bigint
  until: bigint
  /** Of the events so far, where seals are checked. */
  tree: MerkleState | undefined
}

export interface VerificationPage {
  findings: Finding[]
  findingsTotal: number
  events: number
  /** Streams that begin within what was read. */
  streams: number
  /** Streams whose transitions could not be judged: they had begun before, and are too long to be read again. */
  streamsCutShort: number
  seals: CheckedSeal[]
  foreignEvents: number
  foreignStreams: number
  /** Exported events that were found in their place. */
  compared: number
  next: VerificationContinuation | undefined
  last: bigint | undefined
}

/** Events whose owners are asked for at a time. */
const SLICE_EVENTS = 256
/** Streams that are remembered within a page: more would take longer to make room for than to read again. */
const STREAMS_MAX = 20_000

/** Names everything that is wrong. A page ends where its budget is spent or its findings are full. */
export async function readVerification(
  ground: Ground,
  question: VerificationQuestion,
  from: VerificationContinuation,
): Promise<VerificationPage> {
  const { log, scope, budget, rules, personKeys, onProgress } = ground
  const { stream, category, findingsMax, keepsOn } = question
  const isWhole = stream === undefined && category === undefined
  const mayRead = stream === undefined || (await scope.mayRead(stream, log))
  const readable = { readStream: (name: string, ...of: [bigint?, bigint?]) => upToDamage(log.readStream(name, ...of)) }
  const findings: Finding[] = []
  let findingsTotal = 0
  const tell = (finding: Finding) => {
    findingsTotal += 1
    if (findings.length < findingsMax) findings.push(finding)
  }
  const verifier = createVerifier({
    registry: log.registry,
    rules,
    onFinding: tell,
    logBooks: isWhole ? { isFromStart: from.after === undefined } : undefined,
    readStream: (stream, from) => paidFor(budget, readable.readStream(stream, from)),
    ...(question.recalledMax === undefined ? {} : { recalledMax: question.recalledMax, streamsMax: STREAMS_MAX }),
  })
  const personal = personKeys && createPersonalCheck(log.registry, personKeys, tell)
  const seals = sealsOf(question, from)
  const comparison = question.exported && createComparison(question.exported, tell)
  const hidden = createHiddenCheck(rules, tell)
  let slice: RawEvent[] = []
  let revision = from.revision
  const check = async () => {
    const admitted = await scope.admit(slice)
    slice = []
    for (const event of admitted) {
      const again = verifier.check(event)
      if (again) await again
      await budget.breath()
    }
    await personal?.check(admitted.filter((event) => rules.isOurs(event.stream) && !isOthers(event, log.registry)))
  }
  const settle = async (event: RawEvent) => {
    if (comparison) await comparison.add(event)
    if (slice.length >= SLICE_EVENTS) await check()
  }
  const readAll = (after?: bigint) =>
    stream === undefined ? log.readAll(after, isWhole) : mayRead ? log.readStream(stream, from.revision) : nothing()
  const isPast = (event: RawEvent) => event.position > from.until
  const isEnough = () => !keepsOn && findingsTotal >= findingsMax
  const { last, isFinished } = await walkOn(
    { readAll, behind: (damage) => behind(log, damage, stream) },
    { after: from.after, isPast, isEnough, ...(onProgress ? { onProgress } : {}) },
    budget,
    (event) => {
      if (isSystem(event)) return hidden.add(event)
      seals?.add(event)
      revision = event.revision + 1n
      if (category === undefined || categoryOf(event.stream) === category) slice.push(event)
      if (comparison || slice.length >= SLICE_EVENTS) return settle(event)
    },
    async (damage) => {
      for (const finding of damageFindings(damage)) {
        const isAsked = stream === undefined || finding.stream === stream
        if (!isAsked || (category !== undefined && categoryOf(finding.stream) !== category)) continue
        if (await scope.mayRead(finding.stream, readable)) tell(finding)
      }
    },
  )
  await check()
  hidden.finish()
  if (isWhole && isFinished && from.after === undefined) personal?.finish()
  if (isWhole && keepsOn) await compareStreamReads(log, verifier.streams(), tell)
  const checked = seals ? (isFinished ? seals.finish() : seals.checked()) : []
  for (const one of checked) if (one.fault !== undefined) tell(sealFinding(one))
  const compared = (await comparison?.finish()) ?? 0
  const { streamsBegun: streams, ...figures } = verifier.figures()
  const tree = seals?.tree.state()
  const next = isFinished ? undefined : { after: last, revision, until: from.until, tree }
  return { findings, findingsTotal, streams, ...figures, seals: checked, compared, next, last }
}

/** As `walk`, and on behind each place that cannot be read, which is told. */
async function walkOn(
  log: Pick<Ground['log'], 'readAll'> & { behind(damage: Damage): AsyncIterable<RawEvent> },
  question: Walk,
  budget: Budget,
  visit: (event: RawEvent) => Promise<void> | void,
  onDamage: (damage: Damage) => Promise<void>,
): Promise<Walked> {
  let { after } = question
  let readAll = log.readAll
  for (let reached = -1n; ; ) {
    try {
      return await walk({ readAll }, { ...question, after }, budget, (event) => {
        after = event.position
        return visit(event)
      })
    } catch (error) {
      const damage = damageOf(error)
      // What lies behind it already was met by another read than this walk's.
      if (!damage || damage.position <= reached) throw error
      reached = damage.position
      await onDamage(damage)
      readAll = () => log.behind(damage)
    }
  }
}

async function* nothing(): AsyncIterable<RawEvent> {
  // A stream that may not be read is as empty as one that is not there.
}

/** A stream's events, each of which the question pays for: what is read again is read as well. */
async function* paidFor(budget: Budget, events: AsyncIterable<RawEvent>): AsyncIterable<RawEvent> {
  for await (const event of events) {
    budget.spend()
    await budget.breath()
    yield event
  }
}

function sealsOf(
  { seals, pinned = [] }: VerificationQuestion,
  from: VerificationContinuation,
): SealChecker | undefined {
  if (!seals) return undefined
  const { after } = from
  const open = seals.filter(({ position }) => after === undefined || BigInt(position) > after)
  return createSealChecker(open, pinned, from.tree)
}

const sealFinding = ({ seal, fault }: CheckedSeal): Finding => ({
  kind: 'seal',
  stream: SEAL_STREAM,
  revision: -1n,
  position: BigInt(seal.position),
  type: 'opslog.LogSealed.v1',
  detail: `the seal of ${seal.occurredAt} does not hold: ${fault}`,
})
