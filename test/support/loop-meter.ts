/**
 * Loaded with `--import` into a process whose event loop is watched: the most processor time of its main thread that one turn of the
 * loop takes, which other work on the machine does not make longer. SIGUSR2 begins, or writes the milliseconds so far to the file at
 * LOOP_METER_FILE and ends. While it watches, the loop never rests.
 */
import { renameSync, writeFileSync } from 'node:fs'

const file = process.env.LOOP_METER_FILE
if (file === undefined) throw new Error('LOOP_METER_FILE names the file for what is measured')

let isWatching = false
let usedMs = 0
let mostMs = 0

const nowMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

function turn(): void {
  if (!isWatching) return
  const now = nowMs()
  mostMs = Math.max(mostMs, now - usedMs)
  usedMs = now
  setImmediate(turn)
}

process.on('SIGUSR2', () => {
  isWatching = !isWatching
  if (isWatching) {
    mostMs = 0
    usedMs = nowMs()
    setImmediate(turn)
  } else {
    writeFileSync(`${file}.new`, String(mostMs))
    renameSync(`${file}.new`, file)
  }
})
