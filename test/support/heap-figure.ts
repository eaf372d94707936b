/**
 * Loaded with `--import` into a process whose memory is to be known: at each SIGUSR2 it collects what nobody holds and writes
 * the bytes that are left to the file at HEAP_FIGURE_FILE.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const file = process.env.HEAP_FIGURE_FILE
if (file === undefined) throw new Error('HEAP_FIGURE_FILE names the file for the figure')
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

process.on('SIGUSR2', () => {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  writeFileSync(`${file}.new`, String(heapUsed + external))
  renameSync(`${file}.new`, file)
})
