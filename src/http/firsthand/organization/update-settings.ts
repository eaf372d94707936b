/** PATCH /v1/organization/settings: changes what is given; null clears. */
import { z } from '@hono/zod-openapi'
import { Decimal } from 'decimal.js'
import { organization, type Settings } from '../../../commands/firsthand/organization.ts'
import { considerTopUp } from '../../../commands/firsthand/topping-up.ts'
import { json } from '../../answers.ts'
import { buyerKey, write } from '../access.ts'
import { settingsResponse, settingsView } from './settings-view.ts'

const FEE_PLACES_MAX = 4

const request = z
  .object({
    default_platform_fee_pct: z
      .number()
      .min(0)
      .max(0.5)
      .refine((fee) => new Decimal(fee).decimalPlaces() <= FEE_PLACES_MAX, `has ${FEE_PLACES_MAX} places at most`)
      .nullable()
      .optional(),
    auto_top_up_enabled: z.boolean().optional(),
    auto_top_up_threshold_cents: z.int().min(0).nullable().optional(),
    auto_top_up_amount_cents: z.int().min(100).nullable().optional(),
  })
  .openapi('UpdateOrganizationSettingsRequest')

/** In the domain's words; what is not given is not there. */
function settingsOf(body: z.output<typeof request>): Partial<Settings> {
  const textOf = (given: number | null) => (given === null ? null : new Decimal(given).toFixed())
  const settings: Partial<Settings> = {}
  if (body.default_platform_fee_pct !== undefined)
    settings.defaultPlatformFeePct = textOf(body.default_platform_fee_pct)
  if (body.auto_top_up_enabled !== undefined) settings.autoTopUpEnabled = body.auto_top_up_enabled
  if (body.auto_top_up_threshold_cents !== undefined)
    settings.autoTopUpThresholdCents = textOf(body.auto_top_up_threshold_cents)
  if (body.auto_top_up_amount_cents !== undefined) settings.autoTopUpAmountCents = textOf(body.auto_top_up_amount_cents)
  return settings
}

export const updateOrganizationSettings = write({
  method: 'patch',
  path: '/v1/organization/settings',
  id: 'updateOrganizationSettings',
  tags: ['Organization'],
  summary: 'Change the organization’s settings',
  description: 'Changes what is given and leaves the rest. Null clears a figure.',
  example: { auto_top_up_enabled: true, auto_top_up_threshold_cents: 1_000, auto_top_up_amount_cents: 10_000 },
  access: buyerKey('billing:write'),
  body: request,
  answers: { 200: json(settingsResponse, 'The settings as they are now.') },
  refuses: ['organization_not_found', 'fee_below_floor', 'top_up_incomplete'],
  async handle({ bus, principal: { organizationId }, body, command }) {
    const change = { kind: 'changeSettings', settings: settingsOf(body), at: command.at } as const
    const handled = await bus.handle(organization, organizationId, change, command)
    if (handled.state.status === 'absent') throw new Error('settings were changed of no organization')
    const { settings } = handled.state
    const isSaved = handled.events.length > 0
    const due = isSaved ? await considerTopUp(bus, organizationId, settings, command.at, command) : undefined
    return { status: 200, body: settingsView(settings), handled: { ...handled, position: due ?? handled.position } }
  },
})
