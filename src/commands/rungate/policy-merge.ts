/** What a policy becomes by a change of some of its settings, and which changes make no sense. */
import { Decimal } from 'decimal.js'
import type { PolicySettings } from '../../events/rungate/policy-settings.ts'
import { snakeCase } from '../../runtime/letter-case.ts'
import { fingerprintOf } from '../identity.ts'
import { Rejected } from './rejection.ts'

/** Some settings: objects in part, lists and everything else whole. */
export type Partly<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Name in keyof T]?: Partly<T[Name]> | undefined }
    : T
export type SettingsChange = Partly<PolicySettings>

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Depths below which a member's objects are replaced whole: of a model's mapping, that of its providers. */
const DEPTHS: Readonly<Record<string, number>> = { modelMapping: 1 }

function merged(before: unknown, change: unknown, depth: number): unknown {
  if (!isObject(before) || !isObject(change) || depth === 0) return change
  const result: Record<string, unknown> = { ...before }
  for (const [name, value] of Object.entries(change)) {
    if (value !== undefined)
      result[name] = merged(before[name], value, (DEPTHS[name] ?? depth) - (name in DEPTHS ? 0 : 1))
  }
  return result
}

/** Settings are nested less deep. */
const DEPTH_MAX = 8

/** Objects are merged, lists replaced. Throws policy_contradicts where the result makes no sense. */
export function mergeSettings(before: PolicySettings, change: SettingsChange): PolicySettings {
  const settings = merged(before, change, DEPTH_MAX) as PolicySettings
  refuseContradiction(settings)
  return settings
}

/** The members that differ, in the form of the API. */
export function changedFields(before: object, after: object): string[] {
  const earlier = before as Record<string, unknown>
  const differs = ([name, value]: [string, unknown]) => fingerprintOf(value) !== fingerprintOf(earlier[name])
  return Object.entries(after)
    .filter(differs)
    .map(([name]) => snakeCase(name))
}

function refuseContradiction({ routing, budget }: PolicySettings): void {
  const contradiction = (detail: string, pointer: string) => new Rejected('policy_contradicts', detail, pointer)
  if (routing.connectTimeoutMs > routing.timeoutMs) {
    throw contradiction('must not be longer than timeout_ms', '/routing/connect_timeout_ms')
  }
  const { alertThresholdUsd, hardLimitUsd, alertThresholdTokens, hardLimitTokens } = budget
  if (alertThresholdUsd !== null && hardLimitUsd !== null && new Decimal(alertThresholdUsd).gt(hardLimitUsd)) {
    throw contradiction('must not be above hard_limit_usd', '/budget/alert_threshold_usd')
  }
  if (alertThresholdTokens !== null && hardLimitTokens !== null && alertThresholdTokens > hardLimitTokens) {
    throw contradiction('must not be above hard_limit_tokens', '/budget/alert_threshold_tokens')
  }
}
