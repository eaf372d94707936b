/** `opslog dead-letters`: what the contexts have given up, and what to do about it. */
import { isUuid } from '../events/uuid.ts'
import { uuidOfPrefixed } from '../runtime/ulid.ts'
import type { AdminSession } from './admin-session.ts'
import type { AdminTools } from './admin-tools.ts'
import { repeatedly, untilInterrupted } from './following.ts'
import { momentOf } from './moment.ts'
import { servedClis } from './served-contexts.ts'
import { type OutputOptions, list as printList, printSingly } from './table-output.ts'
import { CliError, EXIT, facts, show } from './terminal.ts'
import { adminTools } from './tools.ts'
import { isBeginning, wholeId } from './whole-id.ts'
import type { WindowOptions } from './window-options.ts'

export interface SettleOptions extends OutputOptions {
  reason?: string
}

export interface ListOptions extends OutputOptions, WindowOptions {
  all?: boolean
  follow?: boolean
}

/** Something that was given up. */
export interface DeadLetter {
  /** One word: `command`. */
  kind: string
  id: string
  type: string | null
  reason: string | null
  since: string | null
  /** All that is known of it. */
  value: object
}

/** What can be done about those of one id. */
export interface FoundLetter {
  letters: readonly object[]
  /** As JSON; default: the letters. */
  value?: unknown
  /** Answers what was done, as JSON and in a sentence. Rejects with CliError where it cannot be. */
  retry(reason: string | undefined): Promise<Settled>
  discard(reason: string | undefined): Promise<Settled>
}

export type Settled = readonly [value: unknown, said: string]

/** What a context has given up. */
export interface DeadLetters {
  /** By kinds, in the plural; the newest first, at most LISTED_MAX of each. `all`: those that were discarded too. */
  list(session: AdminSession, all: boolean): Promise<Readonly<Record<string, readonly DeadLetter[]>>>
  /** Undefined: none of this context's has this id. */
  find(session: AdminSession, id: string, tools: AdminTools): Promise<FoundLetter | undefined>
}

const HEAD = ['kind', 'id', 'type', 'reason', 'since']

const rowOf = ({ kind, id, type, reason, since }: DeadLetter): string[] => [
  kind,
  id,
  type ?? '',
  reason ?? '',
  since ?? '',
]

async function lettersOfContexts({ db }: AdminSession): Promise<DeadLetters[]> {
  const clis = await servedClis(db)
  return Promise.all(clis.flatMap((cli) => cli.deadLetters?.() ?? []))
}

async function givenUp(
  session: AdminSession,
  all: boolean,
): Promise<[kinds: string, letters: readonly DeadLetter[]][]> {
  const found = await Promise.all((await lettersOfContexts(session)).map((each) => each.list(session, all)))
  return found.flatMap((kinds) => Object.entries(kinds))
}

const inOne = (found: Awaited<ReturnType<typeof givenUp>>): DeadLetter[] => found.flatMap(([, letters]) => letters)

export async function list(options: ListOptions): Promise<void> {
  await adminTools.withSession(async (session) => {
    if (options.follow) return follow(session, options)
    const found = withinWindow(await givenUp(session, options.all === true), options)
    const value = Object.fromEntries(found.map(([kinds, letters]) => [kinds, letters.map((each) => each.value)]))
    printList(value, options, HEAD, inOne(found).map(rowOf), 'nothing was given up')
  })
}

/** Those of the time that was asked for, of each kind the last so many. Throws CliError (usage) for what is no time. */
function withinWindow(
  found: Awaited<ReturnType<typeof givenUp>>,
  { since, until, limit }: WindowOptions,
): Awaited<ReturnType<typeof givenUp>> {
  const [from, to] = [since, until].map((each) => each && timeOf(each))
  const isWanted = ({ since: at }: DeadLetter) => (!from || (at ?? '') > from) && (!to || (at ?? '') <= to)
  return found.map(([kinds, letters]) => [kinds, letters.filter(isWanted).slice(0, limit)])
}

/** RFC 3339 in UTC, as letters have it. */
function timeOf(text: string): string {
  const moment = momentOf(text)
  if ('time' in moment) return moment.time.toISOString()
  throw new CliError(EXIT.usage, `${text} is a position`, 'What was given up is listed by time: 2026-03-01T09:30:00Z.')
}

/** What is given up already, the oldest first, then what comes, each once. */
async function follow(session: AdminSession, options: ListOptions): Promise<void> {
  const print = printSingly(options, HEAD)
  let before = new Set<string>()
  await untilInterrupted((signal) =>
    repeatedly(signal, async () => {
      const found = inOne(await givenUp(session, options.all === true)).map((each) => ({ each, row: rowOf(each) }))
      const sorted = found.toSorted((a, b) => (a.row[4]! < b.row[4]! ? -1 : 1))
      for (const { each, row } of sorted) if (!before.has(row.join(' '))) print(each.value, row)
      before = new Set(found.map(({ row }) => row.join(' ')))
    }),
  )
}

/** The id that begins so, of what was given up last. Throws CliError where there is none, or more than one. */
async function wholeOf(session: AdminSession, beginning: string): Promise<string> {
  if (!isBeginning(beginning)) throw new CliError(EXIT.usage, `${beginning} is not a UUID, nor 8 characters of one`)
  const found = inOne(await givenUp(session, true))
  const whole = wholeId(
    beginning,
    found.map(({ id }) => id),
  )
  if (whole !== undefined) return whole
  throw new CliError(
    EXIT.refused,
    `nothing was given up under ${beginning}`,
    'opslog dead-letters list shows what was.',
  )
}

/** Throws CliError where nothing of this id was given up. */
async function find(session: AdminSession, id: string): Promise<FoundLetter> {
  const isWhole = isUuid(id) || uuidOfPrefixed(id) !== undefined
  const whole = isWhole ? id : await wholeOf(session, id)
  for (const letters of await lettersOfContexts(session)) {
    const found = await letters.find(session, whole, adminTools)
    if (found) return found
  }
  throw new CliError(EXIT.refused, `nothing was given up under ${id}`, 'opslog dead-letters list shows what was.')
}

export async function display(id: string, options: OutputOptions): Promise<void> {
  await adminTools.withSession(async (session) => {
    const { letters, value = letters } = await find(session, id)
    const lines = (row: object) =>
      facts(Object.entries(row).map(([name, each]) => [name, typeof each === 'string' ? each : JSON.stringify(each)]))
    show(value, options, () => letters.map(lines).join('\n\n'))
  })
}

const settle =
  (what: 'retry' | 'discard') =>
  async (id: string, options: SettleOptions): Promise<void> => {
    await adminTools.withSession(async (session) => {
      const found = await find(session, id)
      const [value, said] = await found[what](options.reason)
      show(value, options, () => said)
    })
  }

export const retry = settle('retry')
export const discard = settle('discard')
