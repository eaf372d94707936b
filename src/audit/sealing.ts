/**
 * Seals the log by itself, at intervals, in one process of the installation. The log is read once from its start, which
 * holds it against every seal that this key has made before; from then on only what is new is read. Each seal goes into
 * the log, then into a file and to an address that are kept elsewhere: a seal that was lost with the log proves nothing.
 */
import { createPrivateKey, randomUUID } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Actor } from '../events/event.ts'
import { SEAL_STREAM, type Seal } from '../events/seal.ts'
import { type EventStore, WrongExpectedRevision } from '../events/store.ts'
import { acquireLeadership } from '../postgres/leadership.ts'
import type { RawLog } from './raw-log.ts'
import { unlimited, walk } from './scan.ts'
import { createSealChecker, isSealed, makeSeal, publicKeyText, readSeals } from './seal.ts'
import { appendSeals, readSealFile } from './seal-file.ts'

export interface SealingOptions {
  log: RawLog
  store: Pick<EventStore, 'append' | 'readLast'>
  /** Where the one that seals is elected. */
  databaseUrl: string
  /** PKCS #8 in PEM. */
  privateKey: string
  /** From one seal to the next; a log in which nothing happened is not sealed again. */
  intervalMs: number
  /** Seals are appended to it; undefined: they stand in the log alone. */
  file: string | undefined
  /** Sends them to an address outside; undefined: they are sent nowhere. */
  post?: SealPost | undefined
  /** Before another try after a failure. */
  retryMs: number
  now: () => Date
  signal: AbortSignal
  /** Where it stands, for readiness and metrics. */
  health: {
    state: 'standby' | 'leading' | 'halted' | 'stopped'
    fault: string | undefined
    isUnproven?: boolean
    handled: number
  }
  report: {
    info(fields: object, message: string): void
    error(fields: object, message: string): void
  }
}

export interface SealPost {
  /** Sends one; undefined once the address has taken it, else why it has not, as half a sentence. Never rejects. */
  send(seal: Seal, signal: AbortSignal): Promise<string | undefined>
  /** Where it is kept which seal was taken last. */
  marker: string
  /** The newest of those that were not taken yet are sent, so many. */
  backlogMax: number
  /** Waits after failures that follow each other; the last one is repeated. */
  retryScheduleMs: readonly number[]
}

/** What has been read of the log, and what is known of its seals. */
export interface Sealer {
  /** Reads what is new. Answers what is wrong with seals of this key, in sentences. */
  catchUp(): Promise<string[]>
  /** Seals what was read; undefined where nothing but seals has come since the last one. */
  seal(): Promise<Seal | undefined>
  /** Writes the seals of this key that the file does not hold yet. Throws what the file system says. */
  offer(): void
  /** Posts the seals of this key that the address has not taken, oldest first; why it stopped, where one was not taken. */
  post(signal: AbortSignal): Promise<string | undefined>
  /** When the last seal was made, in milliseconds since 1970. */
  lastSealedMs(): number | undefined
}

/** Between two looks at the log at least, however short the interval. */
const PAUSE_MIN_MS = 1_000

type SealerOptions = Pick<SealingOptions, 'log' | 'store' | 'privateKey' | 'file' | 'post' | 'now'>

/** Appends a seal to the log. Throws StoreUnavailable, and WrongExpectedRevision where another was appended meanwhile. */
export async function recordSeal(store: SealingOptions['store'], seal: Seal, actor: Actor): Promise<void> {
  const id = randomUUID()
  const last = await store.readLast(SEAL_STREAM)
  const cause = { $correlationId: id, $causationId: id, actor, commandId: id }
  const event = { type: 'opslog.LogSealed.v1', data: { ...seal } }
  await store.append(SEAL_STREAM, last?.revision, last?.metadata.hash ?? '', [{ id, event, cause }])
}

export async function openSealer({ log, store, privateKey, file, post, now }: SealerOptions): Promise<Sealer> {
  const publicKey = publicKeyText(createPrivateKey(privateKey))
  const own = (await readSeals(log)).filter((seal) => seal.publicKey === publicKey)
  const checker = createSealChecker(own, [publicKey])
  let position: bigint | undefined
  let lastSealed = own.at(-1)
  let isChanged = false
  let judged = 0
  let after: bigint | undefined
  return {
    async catchUp() {
      const until = (await log.head()) ?? -1n
      const isPast = (event: { position: bigint }) => event.position > until
      const { last } = await walk(log, { after, isPast }, unlimited(), (event) => {
        checker.add(event)
        if (!isSealed(event)) return
        position = event.position
        if (event.stream !== SEAL_STREAM && position > BigInt(lastSealed?.position ?? -1)) isChanged = true
      })
      after = last
      const seen = checker.checked().slice(judged)
      judged += seen.length
      const broken = seen.flatMap(({ seal, fault }) => (fault === undefined ? [] : [`${seal.occurredAt}: ${fault}`]))
      const beyond = own.filter((seal) => BigInt(seal.position) > until)
      return [...broken, ...beyond.map((seal) => `${seal.occurredAt}: the log ends before what it seals`)]
    },
    async seal() {
      if (position === undefined || !isChanged) return undefined
      const facts = { position, events: checker.tree.count(), root: checker.tree.root() }
      const made = makeSeal(facts, privateKey, now().toISOString())
      await recordSeal(store, made, { kind: 'system', id: 'sealing' })
      own.push(made)
      lastSealed = made
      isChanged = false
      return made
    },
    offer() {
      if (file === undefined) return
      const held = new Set(readSealFile(file).map(({ signature }) => signature))
      appendSeals(
        file,
        own.filter(({ signature }) => !held.has(signature)),
      )
    },
    async post(signal) {
      if (!post) return undefined
      const taken = readMarker(post.marker)
      const from = own.findIndex(({ signature }) => signature === taken) + 1
      for (const seal of own.slice(from).slice(-post.backlogMax)) {
        const fault = await post.send(seal, signal)
        if (fault !== undefined) return fault
        writeMarker(post.marker, seal.signature)
      }
      return undefined
    },
    lastSealedMs: () => (lastSealed === undefined ? undefined : Date.parse(lastSealed.occurredAt)),
  }
}

/** Runs until `signal` aborts; stands by while another process seals. What fails is reported and tried again. */
export async function runSealing(options: SealingOptions): Promise<void> {
  const { databaseUrl: url, signal, health, report, retryMs } = options
  while (!signal.aborted) {
    health.state = 'standby'
    const leadership = await acquireLeadership({ url, name: 'seals', signal }).catch(() => undefined)
    if (!leadership) break
    health.isUnproven = true
    health.state = 'leading'
    const until = AbortSignal.any([signal, leadership.lost])
    try {
      await sealWhileLeading(options, until)
    } catch (err) {
      if (!until.aborted && !(err instanceof WrongExpectedRevision)) {
        report.error({ err, retryInMs: retryMs }, 'the log was not sealed')
      }
      await delay(retryMs, undefined, { signal }).catch(() => undefined)
    } finally {
      await leadership.release()
    }
  }
  health.state = 'stopped'
}

async function sealWhileLeading(options: SealingOptions, until: AbortSignal): Promise<void> {
  const { intervalMs, now, health, report } = options
  const sealer = await openSealer(options)
  const startedMs = now().getTime()
  let failures = 0
  for (;;) {
    const faults = await sealer.catchUp()
    until.throwIfAborted()
    if (faults.length > 0) {
      health.fault = `the log is not what was sealed: ${faults[0]}`
      report.error({ faults }, 'the log is not what was sealed; `opslog audit verify --seals` names what is wrong')
    }
    health.isUnproven = false
    const dueMs = (sealer.lastSealedMs() ?? startedMs) + intervalMs - now().getTime()
    if (dueMs <= 0) {
      const made = await sealer.seal()
      if (made) health.handled += 1
      if (made) report.info({ position: made.position, events: made.events }, 'the log was sealed')
    }
    sealer.offer()
    const fault = await sealer.post(until)
    failures = fault === undefined ? 0 : failures + 1
    const retryInMs = fault === undefined ? intervalMs : retryMsOf(options.post, failures)
    if (fault !== undefined) report.error({ fault, retryInMs }, 'a seal was not taken where it is posted to')
    const pauseMs = Math.min(dueMs <= 0 ? intervalMs : dueMs, intervalMs, retryInMs)
    await delay(Math.max(PAUSE_MIN_MS, pauseMs), undefined, { signal: until })
  }
}

const retryMsOf = (post: SealPost | undefined, failures: number): number =>
  post?.retryScheduleMs[failures - 1] ?? post?.retryScheduleMs.at(-1) ?? PAUSE_MIN_MS

const readMarker = (file: string): string | undefined => (existsSync(file) ? readFileSync(file, 'utf8') : undefined)

/** Whole or not at all: where a power cut takes it back, a seal is sent twice, under the same id. */
function writeMarker(file: string, signature: string): void {
  writeFileSync(`${file}.new`, signature, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
