/** Workers that make files stand behind whoever answers requests, from their first file on, and with the programs that they start. */
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
