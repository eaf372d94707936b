/**
 * Who brings the faults: one after the other, each chosen by the seed, held for a while and taken back. It kills, pauses,
 * cuts, slows, narrows and deafens; roles, services, and the lines between them.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { HOUSE_ROLES, type House, type RoleName } from './house.ts'
import type { Random } from './plan.ts'
import { SERVICES, type ServiceName } from './services.ts'

/** One fault, in words, and how it is brought about. Resolves when it is over. */
export interface Blow {
  name: string
  strike(house: House): Promise<void>
}

const LINES = ['store', 'database', 'nats'] as const

const killRole = (role: RoleName): Blow => ({
  name: `kill -9 ${role}`,
  async strike(house) {
    await house.kill(role)
    await house.start(role)
  },
})

const pauseRole = (role: RoleName, ms: number): Blow => ({
  name: `pause ${role} for ${ms} ms`,
  async strike(house) {
    house.pause(role)
    await delay(ms)
    house.proceed(role)
  },
})

const killService = (name: ServiceName, signal: 'SIGKILL' | 'SIGQUIT'): Blow => ({
  name: `${signal} ${name}`,
  async strike({ services }) {
    await services[name].kill(signal)
    await services[name].start()
  },
})

const pauseService = (name: ServiceName, ms: number): Blow => ({
  name: `pause ${name} for ${ms} ms`,
  async strike({ services }) {
    services[name].pause()
    await delay(ms)
    services[name].proceed()
  },
})

type LineFault = 'reset' | 'cut' | 'slow' | 'limit' | 'deafen'

const troubleLine = (role: RoleName, line: (typeof LINES)[number], fault: LineFault, ms: number): Blow => ({
  name: `${fault} ${role}'s line to ${line} for ${ms} ms`,
  async strike(house) {
    const proxy = house.lines(role)[line]
    if (fault === 'slow') proxy.slow(200)
    else if (fault === 'limit') proxy.limit(20_000)
    else proxy[fault]()
    await delay(ms)
    proxy.mend()
  },
})

/** The next fault that the seed has in store. */
export function nextBlow(random: Random): Blow {
  const role = random.pick(HOUSE_ROLES)
  const service = random.pick(SERVICES)
  const ms = 200 + random.below(1_800)
  const signal = random.pick(['SIGKILL', 'SIGQUIT'] as const)
  const line = random.pick(LINES)
  const fault = random.pick(['reset', 'cut', 'slow', 'limit', 'deafen'] as const)
  return random.pick([
    killRole(role),
    killRole(role),
    pauseRole(role, ms),
    killService(service, service === 'postgres' ? signal : 'SIGKILL'),
    pauseService(service, ms),
    troubleLine(role, line, fault, ms),
    troubleLine(role, line, fault, ms),
  ])
}
