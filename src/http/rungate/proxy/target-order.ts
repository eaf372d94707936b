/**
 * In which order the keys of a call's providers are tried: what served the run after a failover first, then by the policy's
 * preference and its way of taking keys in turn. What it goes by is this process's own, and only buys an even load.
 */
import { Decimal } from 'decimal.js'
import { costOf } from '../../../adapters/llm/cost.ts'
import type { PricedModel } from '../../../adapters/llm/price-table.ts'
import { noUsage } from '../../../adapters/llm/usage.ts'
import type { Candidate, CandidateKey } from '../../../commands/rungate/desk/interface.ts'
import type { Format } from '../../../commands/rungate/routing.ts'
import type { PolicySettings } from '../../../events/rungate/policy-settings.ts'
import { createLru } from '../../../runtime/lru.ts'

/** One key of one provider, with what it is asked for. */
export interface Target {
  provider: string
  format: Format
  model: string
  keyId: string
  baseUrl: string
  /** Null: its price is unknown. */
  priced: PricedModel | null
}

type Routing = Pick<PolicySettings['routing'], 'loadBalancing' | 'routingPreference'>

export interface OrderAsked extends Routing {
  agentId: string
  runId: string
  routes: readonly Candidate[]
  inputTokens: number
  outputTokens: number
}

export interface TargetOrder {
  of(asked: OrderAsked): Target[]
  /** `isFailover`: another one had failed before it. */
  served(runId: string, target: Target, isFailover: boolean, latencyMs: number): void
  failed(runId: string, target: Target): void
}

/** Agents' providers, runs, and providers' models that are remembered, each. */
const REMEMBERED_MAX = 20_000
/** Calls that a provider's usual latency is made of. */
const LATENCIES_MAX = 100

export function createTargetOrder(): TargetOrder {
  const turns = createLru<string, number>(REMEMBERED_MAX)
  const weights = createLru<string, Map<string, number>>(REMEMBERED_MAX)
  const sticky = createLru<string, string>(REMEMBERED_MAX)
  const latencies = createLru<string, number[]>(REMEMBERED_MAX)

  function keysInTurn(name: string, keys: readonly CandidateKey[], way: Routing['loadBalancing']): CandidateKey[] {
    if (way === 'failover' || keys.length < 2) return [...keys]
    if (way === 'round_robin') {
      const turn = turns.get(name) ?? 0
      turns.set(name, turn + 1)
      const first = turn % keys.length
      return [...keys.slice(first), ...keys.slice(0, first)]
    }
    return smooth(name, keys)
  }

  /** Smooth weighted turns: each key gains its weight, the highest is taken and gives up the sum of all. */
  function smooth(name: string, keys: readonly CandidateKey[]): CandidateKey[] {
    const before = weights.get(name)
    const gained = keys.map((key) => ({ key, current: (before?.get(key.keyId) ?? 0) + key.weight }))
    const sorted = gained.toSorted((a, b) => b.current - a.current)
    const total = keys.reduce((sum, { weight }) => sum + weight, 0)
    const taken = sorted[0]?.key.keyId
    weights.set(
      name,
      new Map(gained.map(({ key, current }) => [key.keyId, key.keyId === taken ? current - total : current])),
    )
    return sorted.map(({ key }) => key)
  }

  /** The middle of the last latencies; 0 where nothing is known, so that it becomes known. */
  function usualMs({ provider, model }: { provider: string; model: string }): number {
    const known = latencies.get(`${provider} ${model}`) ?? []
    return known.toSorted((a, b) => a - b)[known.length >> 1] ?? 0
  }

  function preferred({ routes, routingPreference, inputTokens: input, outputTokens: output }: OrderAsked) {
    if (routingPreference === 'latency') return routes.toSorted((a, b) => usualMs(a) - usualMs(b))
    if (routingPreference !== 'cost') return routes
    const priced = routes.map((route) => ({
      route,
      cost: new Decimal(route.priced ? costOf(route.priced.prices, { ...noUsage, input, output }) : Infinity),
    }))
    return priced.toSorted((a, b) => a.cost.comparedTo(b.cost)).map(({ route }) => route)
  }

  return {
    of(asked) {
      const targets = preferred(asked).flatMap((route) => {
        const { provider, format, model, priced, keys } = route
        const inTurn = keysInTurn(`${asked.agentId} ${provider}`, keys, asked.loadBalancing)
        return inTurn.map(({ keyId, baseUrl }) => ({ provider, format, model, keyId, baseUrl, priced }))
      })
      const kept = sticky.get(asked.runId)
      const first = kept === undefined ? -1 : targets.findIndex((target) => nameOf(target) === kept)
      if (first > 0) targets.unshift(...targets.splice(first, 1))
      return targets
    },
    served(runId, target, isFailover, latencyMs) {
      if (isFailover) sticky.set(runId, nameOf(target))
      const name = `${target.provider} ${target.model}`
      const known = latencies.get(name) ?? []
      latencies.set(name, known)
      known.push(latencyMs)
      if (known.length > LATENCIES_MAX) known.shift()
    },
    failed(runId, target) {
      if (sticky.get(runId) === nameOf(target)) sticky.delete(runId)
    },
  }
}

const nameOf = ({ provider, keyId }: Target): string => `${provider} ${keyId}`
