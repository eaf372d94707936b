/** Asks servers the recorded questions, and holds their answers against the recorded ones. */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startServer } from './node.ts'

const beside = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))

/** What EventStoreDB 23.10.6 answered, by the names of the probes. */
export const ANSWERS: Record<string, unknown> = JSON.parse(
  readFileSync(beside('probes/answers-23.10.6.json'), 'utf8'),
).answers

/** The differences that are meant: the probe, the place in its answer or `*`, and the reason. */
export const ACCEPTED = readFileSync(beside('accepted-differences.tsv'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t') as [probe: string, path: string, reason: string])

/** The words of messages, which are ours. */
const WORDS = /(^|\.)(text|message)$/

export type Difference = { probe: string; path: string; ours: unknown; theirs: unknown }

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The leaves in which two answers differ, but for words and for what came out otherwise each time it was recorded. */
function differences(ours: unknown, theirs: unknown, path: string): Array<Omit<Difference, 'probe'>> {
  if (isObject(theirs) && theirs.$varies) return []
  if (isObject(ours) && isObject(theirs)) {
    const keys = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])]
    return keys.flatMap((key) => differences(ours[key], theirs[key], path === '' ? key : `${path}.${key}`))
  }
  if (Array.isArray(ours) && Array.isArray(theirs) && ours.length === theirs.length) {
    return ours.flatMap((each, index) => differences(each, theirs[index], `${path}[${index}]`))
  }
  return JSON.stringify(ours) === JSON.stringify(theirs) || WORDS.test(path) ? [] : [{ path, ours, theirs }]
}

const isAccepted = (probe: string, path: string): boolean =>
  ACCEPTED.some(
    ([of, at]) => of === probe && (at === '*' || path === at || path.startsWith(`${at}.`) || path.startsWith(`${at}[`)),
  )

/** The differences between an answer and the record that nobody has accepted. */
export function unexpected(probe: string, answer: unknown): Difference[] {
  return differences(answer, ANSWERS[probe], '')
    .filter(({ path }) => !isAccepted(probe, path))
    .map((difference) => ({ probe, ...difference }))
}

type Asked = { url: string; run: string; pace: number; answers: Map<string, unknown> }

/** Asks the probes that `next` names, one after the other, in a process of its own. */
async function ask({ url, run, pace, answers }: Asked, next: () => string | undefined): Promise<void> {
  const worker = fork(beside('probes/worker.mjs'), [], {
    env: { ...process.env, PROBES_RUN: run, PROBES_PACE: String(pace) },
    // The official client writes warnings of its own.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
  })
  const gone = once(worker, 'exit').then(([code]) => ({ workerGone: code as unknown }))
  let tell: ((answer: unknown) => void) | undefined
  worker.on('message', (answer) => tell?.(answer))
  for (let name = next(); name !== undefined; name = next()) {
    const told = new Promise<unknown>((resolve) => {
      tell = resolve
    })
    worker.send({ name, url })
    answers.set(name, await Promise.race([told, gone]))
  }
  worker.kill()
  await gone
}

/** These look at the whole log, or disturb others, so that none runs on a node where another one does. */
const ALONE =
  /^(fresh|append\.(results|names\.special)|read\.(all|links|odd-requests)|sub\.(all|client|stream\.names)|ps\.(all|lifecycle\.all|stream-name)|delete\.sequences|tombstone\.event|meta\.views|services\.operations|connection\.many)/
/** Nodes for those, side by side: they mostly wait. */
const QUIET_NODES = 3
/** Processes for the others. */
const PROCESSES = 7
/** Of those that are alone, some read the streams of odd names that this one writes. */
const WRITES_ODD_NAMES = 'append.names.special'
/** This one looks at a log in which nothing has been written yet. */
const FIRST = 'fresh.all'
/** This one takes as long as five others, so that it begins early. */
const LONGEST = 'sub.all.filtered'

/** Asks one after the other what needs a node to itself, of several nodes side by side. */
async function askAlone(names: readonly string[], asked: Omit<Asked, 'url'>): Promise<void> {
  const early = [LONGEST].filter((name) => names.includes(name))
  const left = [...early, ...names.filter((name) => ![FIRST, WRITES_ODD_NAMES, LONGEST].includes(name))]
  const nodes = await Promise.all(Array.from({ length: Math.min(QUIET_NODES, names.length) }, () => startServer()))
  const work = nodes.map(({ url }, index) => {
    const own = [...(index === 0 && names.includes(FIRST) ? [FIRST] : []), WRITES_ODD_NAMES]
    return ask({ ...asked, url }, () => own.shift() ?? left.shift())
  })
  await Promise.all(work).finally(() => Promise.all(nodes.map((node) => node.close())))
}

/**
 * Asks the probes of fresh nodes. `pace` stretches the times that probes wait for what comes on its own; those who look
 * at the whole log have a node to themselves, and the others share one unless `inTurn` is set.
 */
export async function askProbes(
  names: readonly string[],
  pace: number,
  inTurn: boolean,
): Promise<Map<string, unknown>> {
  const run = randomBytes(3).toString('hex')
  const answers = new Map<string, unknown>()
  const isAlone = (name: string): boolean => inTurn || ALONE.test(name)
  const rest = names.filter((name) => !isAlone(name))
  const shared = await startServer()
  const asked = { run, pace, answers }
  try {
    const processes = Array.from({ length: Math.min(PROCESSES, rest.length) }, () =>
      ask({ ...asked, url: shared.url }, () => rest.shift()),
    )
    await Promise.all([askAlone(names.filter(isAlone), asked), ...processes])
  } finally {
    await shared.close()
  }
  return answers
}
