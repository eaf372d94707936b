/** An organization's settings as the contract shows them: always all four. */
import { z } from '@hono/zod-openapi'
import type { Settings } from '../../../commands/firsthand/organization.ts'

export const settingsResponse = z
  .object({
    default_platform_fee_pct: z.number().nullable(),
    auto_top_up_enabled: z.boolean(),
    auto_top_up_threshold_cents: z.int().nullable(),
    auto_top_up_amount_cents: z.int().nullable(),
  })
  .openapi('OrganizationSettingsResponse')

const numberOf = (text: string | null): number | null => (text === null ? null : Number(text))

export const settingsView = (settings: Settings): z.input<typeof settingsResponse> => ({
  default_platform_fee_pct: numberOf(settings.defaultPlatformFeePct),
  auto_top_up_enabled: settings.autoTopUpEnabled,
  auto_top_up_threshold_cents: numberOf(settings.autoTopUpThresholdCents),
  auto_top_up_amount_cents: numberOf(settings.autoTopUpAmountCents),
})
