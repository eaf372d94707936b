/**
 * V8's helper threads, which mark, sweep and compile beside the main thread, give way to whoever else wants a core. Node
 * starts four of them however few cores there are, unless it is told otherwise, as by `npm start`. A full collection has all
 * of them at work, and requests, the event store and Postgres would wait in turn with them. With a lower priority they take
 * what is left over, which nearly always is enough.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { basename } from 'node:path'

/** As node names them (`comm` in /proc). */
const HELPER = 'V8Worker'
/** A nice value: a tenth of the weight of the default, so that a collection that waits for a helper is not stuck. */
const HELPER_NICENESS = 10
const THREADS = '/proc/self/task'
const THIS_THREAD = '/proc/thread-self'

/**
 * Lowers their priority and answers how many there were; 0 where the system does not have priorities by thread, as only
 * Linux does (setpriority(2), notes). Throws what the system says where it does not let a process do that, as where /proc is
 * hidden. V8 has started them all before the first line of a program runs.
 */
export function lowerWorkerThreads(): number {
  if (process.platform !== 'linux') return 0
  const helpers = readdirSync(THREADS).filter(
    (thread) => readFileSync(`${THREADS}/${thread}/comm`, 'utf8').trim() === HELPER,
  )
  // Whoever was started with a lower priority yet may not raise it.
  const niceness = Math.max(HELPER_NICENESS, getPriority())
  for (const thread of helpers) setPriority(Number(thread), niceness)
  return helpers.length
}

/**
 * Lowers that of the thread that asks, as far: a thread of ours for whose work nobody waits. Does nothing where the system does not
 * have priorities by thread. Throws as above.
 */
export function lowerThisThread(): void {
  if (process.platform !== 'linux') return
  const thread = Number(basename(readlinkSync(THIS_THREAD)))
  setPriority(thread, Math.max(HELPER_NICENESS, getPriority(thread)))
}
