/** What noctant shows on the command line. Its commands of `opslog admin` stand there by themselves, without its name. */
import type { ContextCli } from '../context-cli.ts'

export const noctantCli: ContextCli = {
  commands: (tools) => ({
    listen: {
      summary: 'an operator’s webhooks on this machine, as they happen',
      load: async () => (await import('./listen.ts')).listenCommand(await tools()),
    },
    webhooks: {
      summary: 'deliver an event again; say whether a request is genuine',
      load: async () => (await import('./webhook-requests.ts')).webhooksCommand(await tools()),
    },
    trigger: {
      summary: 'make an event happen in the sandbox, to see its webhook',
      load: async () => (await import('./trigger.ts')).triggerCommand(await tools()),
    },
    engine: {
      summary: 'the trader’s terminal: orders, prices and accounts of the matching engine',
      load: async () => (await import('./engine.ts')).engineCommand(await tools()),
    },
  }),
  admin: (tools) => ({
    operator: {
      summary: 'create, suspend, resume and list operators',
      load: async () => (await import('./operators.ts')).operatorCommand(await tools()),
    },
    key: {
      summary: 'issue, revoke and list API keys',
      load: async () => (await import('./keys.ts')).keyCommand(await tools()),
    },
    template: {
      summary: 'rules of challenges: shared presets, and operators’ own',
      load: async () => (await import('./templates.ts')).templateCommand(await tools()),
    },
    product: {
      summary: 'what operators sell',
      load: async () => (await import('./products.ts')).productCommand(await tools()),
    },
    challenge: {
      summary: 'reviews and activations of challenges',
      load: async () => (await import('./challenges.ts')).challengeCommand(await tools()),
    },
    feed: {
      summary: 'historical feeds for replays and backtests',
      load: async () => (await import('./feeds.ts')).feedCommand(await tools()),
    },
    webhook: {
      summary: 'set, show and switch an operator’s webhook endpoint',
      load: async () => (await import('./webhooks.ts')).webhookCommand(await tools()),
    },
    'forget-user': {
      summary: 'destroy the key of a person: what is personal in their events can never be read again',
      load: async () => (await import('./forget-user.ts')).forgetUserCommand(await tools()),
    },
  }),
  demos: {
    noctant: { summary: 'an operator’s day', load: async () => (await import('./demo/day.ts')).dayDemo },
    payout: {
      summary: 'a challenge from launch to paid-out',
      load: async () => (await import('./demo/day.ts')).payoutDemo,
    },
  },
  examples: {
    commands: [
      'opslog demo                                             an operator’s day against the running instance',
      'opslog admin operator create --name "Acme" --slug acme  a new tenant',
      'opslog admin key issue acme --all-scopes                and its API key',
      'opslog engine price                                     what the market says',
      'opslog admin operator list --json                       for scripts',
    ],
    admin: [
      'opslog admin operator create --name "Acme Trading" --slug acme',
      'opslog admin key issue acme --all-scopes --label "back office"',
      'opslog admin operator suspend acme --reason "unpaid invoices"',
      'opslog admin forget-user --operator acme --external-id user-1001 --reference DSR-2026-017',
    ],
  },
  names: {
    operator: 'SELECT slug AS name FROM noctant_operators ORDER BY slug',
    template: 'SELECT DISTINCT key AS name FROM noctant_templates ORDER BY key',
    'slug|id': 'SELECT slug AS name FROM noctant_operators ORDER BY slug',
    account: 'SELECT account_id::text AS name FROM noctant_accounts',
  },
  deadLetters: async () => (await import('./dead-letters.ts')).noctantDeadLetters,
  tenants: {
    ...{ option: 'operator', whose: 'an operator’s' },
    async find(session, slugOrId) {
      // No slug has one, and ids of other contexts begin with a prefix.
      if (slugOrId.includes('_')) return undefined
      return (await import('./operator-id.ts')).existingOperator(session, slugOrId)
    },
  },
}
