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

/** Asks what is left, one probe after the other, in a process of its own. */
async function ask({ url, run, pace, answers }: Asked, left: string[]): Promise<void> {
  const worker = fork(beside('probes/worker.mjs'), [], {
    env: { ...process.env, PROBES_RUN: run, PROBES_PACE: String(pace) },
    // The official client writes warnings of its own.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
  })
  const gone = once(worker, 'exit').then(([code]) => ({ workerGone: code as unknown }))
  let tell: ((answer: unknown) => void) | undefined
  worker.on('message', (answer) => tell?.(answer))
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    const told = new Promise<unknown>((resolve) => {
      tell = resolve
    })
    worker.send({ name, url })
    answers.set(name, await Promise.race([told, gone]))
  }
  worker.kill()
  await gone
}

/** These look at the whole log, or disturb others, so that they have a node to themselves, in their order. */
const ALONE =
  /^(fresh|append\.(results|names\.special)|read\.(all|links|odd-requests)|sub\.(all|client|stream\.names)|ps\.(all|lifecycle\.all|stream-name)|delete\.sequences|tombstone\.event|meta\.views|services\.operations|connection\.many)/
const PROCESSES = 7
/** Some of them read the streams of odd names that this one writes. */
const WRITES_ODD_NAMES = 'append.names.special'

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
  const inOrder = names.filter(isAlone)
  if (inOrder.length > 0 && !inOrder.includes(WRITES_ODD_NAMES)) inOrder.unshift(WRITES_ODD_NAMES)
  const [quiet, shared] = await Promise.all([startServer(), startServer()])
  const alone = { url: quiet.url, run, pace, answers }
  const together = { url: shared.url, run, pace, answers }
  const rest = names.filter((name) => !isAlone(name))
  try {
    const processes = Array.from({ length: Math.min(PROCESSES, rest.length) }, () => ask(together, rest))
    await Promise.all([ask(alone, inOrder), ...processes])
  } finally {
    await Promise.all([quiet.close(), shared.close()])
  }
  return answers
}
