/** Workers that make files stand behind whoever answers requests, from their first file on, and with the programs that they start. */
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { afterAll, expect, it } from 'vitest'
import { eventually } from '../../../projections/support.ts'
import { startStudio } from './studio.ts'

const studio = startStudio()
afterAll(() => studio.close())

/** By which a worker is below us, where there are threads to ask about, and the lowest that there is. */
const NICENESS = process.platform === 'linux' ? 15 : 0
const LOWEST = 19

it('has its first file made at a lower priority than its own', async () => {
  const making = studio.make('image.generate', { prompt: 'a lighthouse in fog' })
  const pid = await eventually(() => {
    const [first] = studio.workers.pids()
    if (first === undefined) throw new Error('no worker is there yet')
    return first
  })
  expect(getPriority(pid)).toBe(Math.min(LOWEST, getPriority() + NICENESS))
  await making
})

/** sched(7): SCHED_IDLE. Its number stands in the 41st field of /proc/pid/stat (proc(5)). */
const IDLE = 5

/** Of a process: behind its name, which stands in parentheses, the state is first. */
function statOf(pid: string): { name: string; parent: number; policy: number } | undefined {
  try {
    const [head = '', rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
    const fields = rest.split(' ')
    return { name: head.split('(')[1] ?? '', parent: Number(fields[1]), policy: Number(fields[38]) }
  } catch {
    // It has ended meanwhile.
    return undefined
  }
}

it('makes and encodes where nobody else wants the core', async () => {
  const clip = { prompt: 'waves', durationFrames: 97, sampledFps: 24, interpolationFps: 0, width: 768, height: 512 }
  const making = studio.make('video.generate', clip)
  await eventually(() => {
    const workers = studio.workers.pids()
    const encoder = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => statOf(name) ?? [])
      .find(({ name, parent }) => name === 'ffmpeg' && workers.includes(parent))
    expect(encoder?.policy).toBe(IDLE)
    expect(workers.map((pid) => statOf(String(pid))?.policy)).toContain(IDLE)
  })
  await making
})
