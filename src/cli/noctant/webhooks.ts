/**
 * `opslog admin webhook`: where an operator's events are delivered, and the secrets that sign them. A secret is shown
 * once, when it is made; the log holds it sealed with the instance's key.
 */
import { randomUUID } from 'node:crypto'
import { Command } from 'commander'
import { Rejected } from '../../commands/noctant/rejection.ts'
import { setWebhookEndpoint, webhookEndpoint } from '../../commands/noctant/webhook-endpoint.ts'
import { requestWebhookTest, WEBHOOK_TEST } from '../../commands/noctant/webhook-test.ts'
import { partnerEventTypes } from '../../events/noctant/partner-events.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { noctantSettings } from '../../processes/noctant/settings.ts'
import { webhookUrl } from '../../webhooks/address.ts'
import type { SealedSecret, WebhookEndpointCommand, WebhookEndpointState } from '../../webhooks/endpoint.ts'
import { generateWebhookSecret, sealSecret } from '../../webhooks/secret.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { CliError, colours, EXIT, facts, remark, show, text } from '../terminal.ts'
import { operatorIdOf } from './operator-id.ts'

interface JsonOption {
  json?: boolean
}
interface SetOptions extends JsonOption {
  url: string
  eventType: string[]
}

export function webhookCommand(tools: AdminTools): Command {
  const command = new Command('webhook')
  const named = (name: string, description: string) =>
    command
      .command(name)
      .argument('<operator>', 'slug, id, or the beginning of it')
      .description(description)
      .option('--json', 'print JSON')
  named('set', 'say where its events go; the first time, make a secret and print it, once')
    .requiredOption('--url <url>', 'https address that takes the POST requests', text('URL', 2_000))
    .option(
      '--event-type <type>',
      'event type to deliver, may be given several times; default: every type',
      collectType,
      [],
    )
    .addHelpText('after', `\nEvent types: ${partnerEventTypes.join(', ')}`)
    .addHelpText(
      'after',
      examples(
        'acme --url https://hooks.example.com/opslog',
        'acme --url https://hooks.example.com/opslog --event-type account.opened',
      ),
    )
    .action((name: string, options: SetOptions) => set(tools, name, options))
  named('rotate-secret', 'make another secret and print it, once; both sign for a while')
    .addHelpText('after', examples('acme'))
    .action((name: string, options: JsonOption) => rotate(tools, name, options))
  for (const kind of ['enable', 'disable'] as const) {
    named(kind, kind === 'enable' ? 'deliver again from now on' : 'deliver nothing any more')
      .option('--reason <reason>', 'kept in the record', text('reason', 1_000))
      .addHelpText('after', examples(kind === 'disable' ? 'acme --reason "moving house"' : 'acme'))
      .action((name: string, options: JsonOption & { reason?: string }) => turn(tools, kind, name, options))
  }
  named('test', 'send a made-up event to it, to see whether it arrives')
    .addHelpText('after', examples('acme'))
    .action((name: string, options: JsonOption) => test(tools, name, options))
  named('show', 'where its events go, and how that is doing')
    .addHelpText('after', examples('acme'))
    .action((name: string, options: JsonOption) => display(tools, name, options))
  return command
}

/** A new secret, as it is shown and as it is kept: sealed with the key that all processes have. */
async function newSecret(
  { keyRing, dataDirectory }: AdminTools,
  db: ReadModels,
  operatorId: string,
): Promise<{ secret: string; kept: SealedSecret }> {
  const ring = await keyRing()
  if (!ring) {
    const hint =
      'The first start of an instance makes it; elsewhere, set SECRETS_KEY (or WEBHOOK_SECRETS_KEY) as it has.'
    throw new CliError(EXIT.refused, `there is no ${dataDirectory()}/secrets.key to seal the secret with`, hint)
  }
  await ring.reload(db)
  const secret = generateWebhookSecret()
  const secretId = randomUUID()
  return { secret, kept: { secretId, sealed: sealSecret(secret, { endpointId: operatorId, secretId }, ring.active()) } }
}

async function set(tools: AdminTools, name: string, options: SetOptions): Promise<void> {
  const { withSession, written } = tools
  const url = await acceptedUrl(tools, options.url)
  const eventTypes = options.eventType.length === 0 ? null : options.eventType
  for (const type of eventTypes ?? []) {
    if (partnerEventTypes.includes(type)) continue
    throw new Rejected('webhook_event_type_unknown', `There is no event type ${type}; --help lists them.`)
  }
  await withSession(async ({ store, bus, db, context }) => {
    const operatorId = await operatorIdOf({ store, db }, name)
    const { secret, kept } = await newSecret(tools, db, operatorId)
    const circumstances = context()
    const command = { kind: 'set', operatorId, url: url.href, eventTypes, secret: kept, at: circumstances.at } as const
    const handled = await setWebhookEndpoint(bus, command, circumstances)
    const isNew = handled.events.some(({ type }) => type === 'noctant.WebhookEndpointSecretIssued.v1')
    if (handled.state.status === 'disabled' && !options.json) {
      remark(colours.yellow(`It is disabled: opslog admin webhook enable ${name}`))
    }
    const value = { ...viewOf(handled.state), ...(isNew ? { secret } : {}), ...written(handled) }
    if (isNew && !options.json) remark(colours.dim('The signing secret, shown this once:'))
    const done = handled.events.length > 0 ? 'Changed.' : 'It was so already; nothing was written.'
    show(value, options, () => (isNew ? secret : done))
  })
}

/** The URL, where the instance will deliver to it: its settings count, not those of this command. */
async function acceptedUrl({ instanceSettings }: AdminTools, text: string): Promise<URL> {
  const { WEBHOOK_ALLOW_PRIVATE: allowLoopback } = instanceSettings()
  try {
    const { createResolve, refuseIfPrivate } = await import('../../webhooks/request.ts')
    const url = webhookUrl(text, { allowLoopback }, Rejected)
    await refuseIfPrivate(url, { allowLoopback }, createResolve(), Rejected)
    return url
  } catch (error) {
    if (!(error instanceof Rejected) || allowLoopback) throw error
    const hint = 'A receiver on this machine needs an instance that was started with WEBHOOK_ALLOW_PRIVATE=true.'
    throw new Rejected(error.code, `${error.message} ${hint}`)
  }
}

async function rotate(tools: AdminTools, name: string, options: JsonOption): Promise<void> {
  const { withSession, written, settings } = tools
  await withSession(async ({ store, bus, db, context }) => {
    const operatorId = await operatorIdOf({ store, db }, name)
    const { secret, kept } = await newSecret(tools, db, operatorId)
    const circumstances = context()
    const { at } = circumstances
    const overlapMs = settings(noctantSettings).WEBHOOK_SECRET_OVERLAP_MS
    const previousValidUntil = new Date(Date.parse(at) + overlapMs).toISOString()
    const command = { kind: 'rotateSecret', secret: kept, previousValidUntil, at } as const
    const handled = await bus.handle(webhookEndpoint, operatorId, command, circumstances)
    if (!options.json) {
      const until = `the one before also signs until ${previousValidUntil}`
      remark(colours.dim(`The signing secret, shown this once; ${until}:`))
    }
    const value = { operator_id: operatorId, secret, previous_valid_until: previousValidUntil, ...written(handled) }
    show(value, options, () => secret)
  })
}

async function turn(
  { withSession, written }: AdminTools,
  kind: 'enable' | 'disable',
  name: string,
  options: JsonOption & { reason?: string },
): Promise<void> {
  await withSession(async ({ store, db, bus, context }) => {
    const operatorId = await operatorIdOf({ store, db }, name)
    const circumstances = context()
    const { at } = circumstances
    const reason = options.reason ?? null
    const command: WebhookEndpointCommand =
      kind === 'enable' ? { kind, reason, at } : { kind, cause: 'administrator', reason, at }
    const handled = await bus.handle(webhookEndpoint, operatorId, command, circumstances)
    show({ ...viewOf(handled.state), ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`The webhook endpoint of ${name} is ${kind}d now.`)
        : colours.yellow(`The webhook endpoint of ${name} was ${kind}d already; nothing was written.`),
    )
  })
}

async function test({ withSession, written }: AdminTools, name: string, options: JsonOption): Promise<void> {
  await withSession(async ({ store, db, bus, context }) => {
    const operatorId = await operatorIdOf({ store, db }, name)
    const handled = await requestWebhookTest(bus, operatorId, context())
    const { eventId } = handled
    const value = { operator_id: operatorId, event_id: eventId, event_type: WEBHOOK_TEST, ...written(handled) }
    show(value, options, () => `${WEBHOOK_TEST} [${eventId}] is on its way; /console/webhooks/${eventId} shows it.`)
  })
}

async function display({ withSession }: AdminTools, name: string, options: JsonOption): Promise<void> {
  await withSession(async ({ store, db, bus }) => {
    const operatorId = await operatorIdOf({ store, db }, name)
    const state = await bus.load(webhookEndpoint, operatorId)
    if (state.status === 'absent' || state.status === 'deleted') {
      throw new Rejected('webhook_not_configured', `${name} has no webhook endpoint: opslog admin webhook set --help`)
    }
    const now = new Date().toISOString()
    const signing = state.secrets.filter(({ validUntil }) => validUntil === null || validUntil > now)
    show({ ...viewOf(state), signing_secrets: signing.length }, options, () =>
      facts([
        ['URL', state.url],
        ['state', state.status === 'enabled' ? colours.green('enabled') : colours.red('disabled')],
        ['event types', state.eventTypes?.join(', ') ?? 'all'],
        ['signing secrets', String(signing.length)],
        ['failing since', state.failingSince ?? '-'],
      ]),
    )
  })
}

function viewOf(state: WebhookEndpointState) {
  if (state.status === 'absent' || state.status === 'deleted') return { configured: false }
  const { owner, url, eventTypes, failingSince } = state
  const standing = { enabled: state.status === 'enabled', event_types: eventTypes, failing_since: failingSince }
  return { operator_id: owner.operatorId, configured: true, url, ...standing }
}

const collectType = (value: string, sofar: string[]): string[] => (sofar.includes(value) ? sofar : [...sofar, value])
