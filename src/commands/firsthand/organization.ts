/**
 * A buyer: its standing, its settings, which hold for both environments, and its API keys. A suspended organization's keys
 * open nothing until it is resumed.
 */
import type { OrganizationEvent } from '../../events/firsthand/organization.ts'
import type { Tier } from '../../events/firsthand/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { type ApiKey, decideKeys, type KeyCommand } from './organization-keys.ts'
import { decidePayments, evolvePayments, type PaymentCommand, type Payments } from './organization-payments.ts'
import { Rejected } from './rejection.ts'

type DataOf<T extends OrganizationEvent['type']> = Extract<OrganizationEvent, { type: T }>['data']
export type Settings = Omit<DataOf<'firsthand.SettingsChanged.v1'>, 'organizationId' | 'occurredAt'>

export interface OrganizationFacts {
  organizationId: string
  name: string
  tier: Tier
}

export type OrganizationState =
  | { status: 'absent' }
  | {
      status: 'active' | 'suspended'
      facts: OrganizationFacts
      settings: Settings
      feeFloorPct: string
      /** By id. One map for all states of a stream: keys are added and what changes of them only goes one way. */
      keys: Map<string, ApiKey>
      payments: Payments
    }
export type ExistingOrganization = Exclude<OrganizationState, { status: 'absent' }>

export type OrganizationCommand =
  | { kind: 'create'; facts: OrganizationFacts; at: string }
  | { kind: 'suspend' | 'resume'; reason: string | null; at: string }
  /** What is not given stays. */
  | { kind: 'changeSettings'; settings: Partial<Settings>; at: string }
  | { kind: 'setFeeFloor'; feeFloorPct: string; at: string }
  | PaymentCommand
  | KeyCommand

const NO_SETTINGS: Settings = {
  defaultPlatformFeePct: null,
  autoTopUpEnabled: false,
  autoTopUpThresholdCents: null,
  autoTopUpAmountCents: null,
}

export const organization: Aggregate<OrganizationState, OrganizationCommand, OrganizationEvent> = {
  category: 'firsthand.organization',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'firsthand.OrganizationCreated.v1') {
      const { occurredAt: _, ...facts } = event.data
      return { status: 'active', facts, settings: NO_SETTINGS, feeFloorPct: '0', keys: new Map(), payments: {} }
    }
    if (state.status === 'absent') return state
    const { keys } = state
    switch (event.type) {
      case 'firsthand.OrganizationSuspended.v1':
        return { ...state, status: 'suspended' }
      case 'firsthand.OrganizationResumed.v1':
        return { ...state, status: 'active' }
      case 'firsthand.SettingsChanged.v1': {
        const { organizationId: _, occurredAt: __, ...settings } = event.data
        return { ...state, settings }
      }
      case 'firsthand.FeeFloorSet.v1':
        return { ...state, feeFloorPct: event.data.feeFloorPct }
      case 'firsthand.ApiKeyCreated.v1': {
        const { organizationId: _, occurredAt: createdAt, ...facts } = event.data
        const { keyId, madeBy = null } = facts
        const standing = { isRevoked: false, successor: null, usedAt: null }
        if (!keys.has(keyId)) keys.set(keyId, { ...facts, madeBy, createdAt, ...standing })
        return { ...state }
      }
      case 'firsthand.ApiKeyRotated.v1': {
        const { keyId, replacedBy, validUntil } = event.data
        noteOfKey(keys, keyId, { successor: { keyId: replacedBy, validUntil } })
        return { ...state }
      }
      case 'firsthand.ApiKeyRevoked.v1':
        noteOfKey(keys, event.data.keyId, { isRevoked: true })
        return { ...state }
      case 'firsthand.ApiKeyUseNoted.v1':
        noteOfKey(keys, event.data.keyId, { usedAt: event.data.usedAt })
        return { ...state }
      case 'firsthand.StripeCustomerClaimed.v1':
      case 'firsthand.StripeCustomerLinked.v1':
      case 'firsthand.PaymentMethodSaved.v1':
        return { ...state, payments: evolvePayments(state.payments, event) }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const occurredAt = command.at
    if (command.kind === 'create') {
      if (state.status !== 'absent') throw new Rejected('organization_exists', 'The organization exists already.')
      return [{ type: 'firsthand.OrganizationCreated.v1', data: { ...command.facts, occurredAt } }]
    }
    if (state.status === 'absent') throw organizationNotFound()
    const { organizationId } = state.facts
    switch (command.kind) {
      case 'suspend': {
        if (state.status === 'suspended') return []
        const { reason } = command
        return [{ type: 'firsthand.OrganizationSuspended.v1', data: { organizationId, reason, occurredAt } }]
      }
      case 'resume': {
        if (state.status === 'active') return []
        const { reason } = command
        return [{ type: 'firsthand.OrganizationResumed.v1', data: { organizationId, reason, occurredAt } }]
      }
      case 'changeSettings':
        return changeSettings(state, command.settings, occurredAt)
      case 'setFeeFloor': {
        const { feeFloorPct } = command
        if (Number(feeFloorPct) === Number(state.feeFloorPct)) return []
        return [{ type: 'firsthand.FeeFloorSet.v1', data: { organizationId, feeFloorPct, occurredAt } }]
      }
      case 'claimCustomer':
      case 'linkCustomer':
      case 'savePaymentMethod':
        return decidePayments(command, state)
      default:
        return decideKeys(command, state)
    }
  },
}

export const organizationNotFound = () => new Rejected('organization_not_found', 'There is no such organization.')

function noteOfKey(keys: Map<string, ApiKey>, keyId: string, change: Partial<ApiKey>): void {
  const key = keys.get(keyId)
  if (key) keys.set(keyId, { ...key, ...change })
}

function changeSettings(
  { facts, settings: before, feeFloorPct }: ExistingOrganization,
  change: Partial<Settings>,
  occurredAt: string,
): OrganizationEvent[] {
  const settings = { ...before, ...change }
  const { defaultPlatformFeePct: fee, autoTopUpThresholdCents, autoTopUpAmountCents } = settings
  if (change.defaultPlatformFeePct != null && Number(fee) < Number(feeFloorPct)) {
    const detail = `The fee of this organization is ${feeFloorPct} or more.`
    throw new Rejected('fee_below_floor', detail, '/default_platform_fee_pct')
  }
  if (settings.autoTopUpEnabled && (autoTopUpThresholdCents === null || autoTopUpAmountCents === null)) {
    const missing = autoTopUpThresholdCents === null ? 'threshold' : 'amount'
    const detail = `An automatic top-up needs a threshold and an amount; the ${missing} is missing.`
    throw new Rejected('top_up_incomplete', detail, `/auto_top_up_${missing}_cents`)
  }
  const isSame = (Object.keys(settings) as (keyof Settings)[]).every((name) => settings[name] === before[name])
  if (isSame) return []
  const { organizationId } = facts
  return [{ type: 'firsthand.SettingsChanged.v1', data: { organizationId, ...settings, occurredAt } }]
}
