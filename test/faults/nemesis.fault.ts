/**
 * Many operators at once, each with a day of its own, while faults fall on roles, services and lines. Afterwards nothing
 * may contradict anything. The seed decides the operators' calls and the faults; time decides where they meet.
 */
import { expect, it } from 'vitest'
import { contradictions } from './checker.ts'
import { workThrough } from './day.ts'
import { type House, startHouse, startRoles } from './house.ts'
import { nextBlow } from './nemesis.ts'
import { addOperator } from './operators.ts'
import { createRandom, planDay } from './plan.ts'
import { atRest } from './rest.ts'
import type { History } from './workload.ts'

const seed = Number(process.env.OPSLOG_SEED ?? 1)
const kills = Number(process.env.OPSLOG_FAULT_KILLS ?? 4)

const OPERATORS = 4
/** Of work at least, for each fault. */
const STEPS_PER_BLOW = 4
const MINUTES_MAX = 12

async function underFaults(house: House, history: History): Promise<string[]> {
  const random = createRandom(`${seed} nemesis`)
  const struck: string[] = []
  let working = true
  const operators = await Promise.all(
    Array.from({ length: OPERATORS }, (_, n) => addOperator(house, createRandom(`${seed} operator ${n}`))),
  )
  const work = Promise.all(
    operators.map((operator, n) => {
      const steps = planDay(seed, n, kills * STEPS_PER_BLOW)
      return workThrough(house, { operator, steps, random: createRandom(`${seed} requests ${n}`) }, history)
    }),
  ).finally(() => {
    working = false
  })
  const nemesis = async () => {
    while (struck.length < kills && working) {
      const blow = nextBlow(random)
      struck.push(blow.name)
      process.stdout.write(`  nemesis: ${blow.name}\n`)
      await blow.strike(house)
    }
  }
  await Promise.all([work, nemesis()])
  await house.mend()
  await atRest(house)
  const found = await contradictions(house, history, operators)
  await Promise.all(operators.map(({ receiver }) => receiver.close()))
  return found.length > 0 ? [...found, `after ${struck.join('; ')}`] : []
}

it('four operators under faults of every kind lose and double nothing', { timeout: MINUTES_MAX * 60_000 }, async () => {
  const house = await startHouse()
  const history: History = []
  try {
    await startRoles(house)
    expect(await underFaults(house, history)).toEqual([])
    const outcomes = Object.groupBy(history, ({ outcome }) => outcome)
    expect(outcomes.ok?.length).toBeGreaterThan(OPERATORS * kills)
    expect(outcomes.failed?.length).toBeGreaterThan(0)
    const kinds = new Set(history.filter(({ outcome }) => outcome === 'ok').map(({ what }) => what))
    expect([...kinds]).toEqual(expect.arrayContaining(['user', 'account', 'challenge', 'close-all', 'correction']))
  } finally {
    await house.close()
  }
})
