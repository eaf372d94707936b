/** Noctant's part of `opslog admin`. */
import type { Parts } from './parts.ts'

export const noctantCommands: Parts = {
  operator: {
    summary: 'create, suspend, resume and list operators',
    load: async () => (await import('./admin-operators.ts')).operatorCommand(),
  },
  key: {
    summary: 'issue, revoke and list API keys',
    load: async () => (await import('./admin-keys.ts')).keyCommand(),
  },
  template: {
    summary: 'rules of challenges: shared presets, and operators’ own',
    load: async () => (await import('./admin-templates.ts')).templateCommand(),
  },
  product: {
    summary: 'what operators sell',
    load: async () => (await import('./admin-products.ts')).productCommand(),
  },
  challenge: {
    summary: 'reviews and activations of challenges',
    load: async () => (await import('./admin-challenges.ts')).challengeCommand(),
  },
  feed: {
    summary: 'historical feeds for replays and backtests',
    load: async () => (await import('./admin-feeds.ts')).feedCommand(),
  },
  webhook: {
    summary: 'set, show and switch an operator’s webhook endpoint',
    load: async () => (await import('./admin-webhooks.ts')).webhookCommand(),
  },
  'forget-user': {
    summary: 'destroy the key of a person: what is personal in their events can never be read again',
    load: async () => (await import('./admin-forget.ts')).forgetUserCommand(),
  },
}
