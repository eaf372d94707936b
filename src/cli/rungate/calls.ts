/** `opslog admin rungate calls settle`: what a call has cost that nobody settled, as the provider's own books say. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Command, InvalidArgumentError } from 'commander'
import { createDesks } from '../../commands/rungate/desk/desks.ts'
import { unspent } from '../../commands/rungate/desk/unspent.ts'
import { Rejected } from '../../commands/rungate/rejection.ts'
import { usd } from '../../events/rungate/vocabulary.ts'
import { isUuid } from '../../events/uuid.ts'
import { limitsOf, rulesOf } from '../../processes/rungate/desks.ts'
import { rungateSettings } from '../../processes/rungate/settings.ts'
import { deskOfCall } from '../../projections/rungate/open-call.ts'
import type { AdminTools } from '../admin-tools.ts'
import { colours, show } from '../terminal.ts'
import { isBeginning, wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

interface Given {
  cost: string
  input: number
  output: number
  provider: string
  json?: boolean
}

export function callsCommand(tools: AdminTools): Command {
  const command = new Command('calls').description('correct what calls of models have cost')
  command
    .command('settle')
    .argument('<call>', 'the id of the call, which is its step’s, or the beginning of it', callOf)
    .description('say what a call has cost that expired, or that its process has left under way')
    .requiredOption('--cost <usd>', 'what the provider billed, in US dollars', amountOf)
    .requiredOption('--provider <provider>', 'who served it')
    .option('--input <tokens>', 'input tokens', tokensOf, 0)
    .option('--output <tokens>', 'output tokens', tokensOf, 0)
    .option('--json', 'print JSON')
    .action((callId: string, given: Given) => settle(tools, callId, given))
    .addHelpText(
      'after',
      `
Example:
  opslog rungate calls settle 0b4ee4a5-7b02-5c0f-8b5b-000000000005 \\
    --cost 0.0123 --provider openai

What a call may cost was set aside when it was admitted, and goes on counting against its budget until this is said. The
first cost that is said stands; a call that was settled keeps its own.

Exit codes: 0 settled (or was before), 1 there is no such call, 2 wrong usage, 3 not reachable.`,
    )
  return command
}

function callOf(value: string): string {
  if (isUuid(value) || isBeginning(value.toLowerCase())) return value.toLowerCase()
  throw new InvalidArgumentError('A call’s id is a UUID, or its first 8 characters and more.')
}

function amountOf(value: string): string {
  if (usd.safeParse(value).success) return value
  throw new InvalidArgumentError('A cost is a plain decimal number of US dollars: 0.0123.')
}

const TOKENS_MAX = 1_000_000_000

function tokensOf(value: string): number {
  const tokens = Number(value)
  if (/^\d{1,10}$/.test(value) && tokens <= TOKENS_MAX) return tokens
  throw new InvalidArgumentError(`Tokens are a whole number from 0 to ${TOKENS_MAX}.`)
}

async function settle({ withSession, settings }: AdminTools, named: string, given: Given): Promise<void> {
  const own = settings(rungateSettings)
  await withSession(async ({ store, bus, db, context }) => {
    const callId = await wholeIdOf({ db }, identified.call, named)
    const found = await deskOfCall(db, callId)
    if (!found) throw new Rejected('call_not_found', `There is no call ${callId}.`)
    const desks = createDesks({
      surroundings: { store, elapsedMs: () => performance.now(), pause: (ms) => delay(ms) },
      ...{ bus, limits: limitsOf(own), rules: rulesOf(own), processId: randomUUID(), now: () => new Date() },
      onError: () => undefined,
    })
    const nothing = unspent(callId, null, given.provider)
    const facts = {
      ...{ ...nothing, status: 'success' as const, costUsd: given.cost },
      usage: { ...nothing.usage, input: given.input, output: given.output },
    }
    const run = await desks.settleNow({ accountId: found.account_id, agentId: found.agent_id }, facts, context())
    show({ call_id: callId, changed: run !== undefined, run_cost_usd: run?.totals.costUsd ?? null }, given, () =>
      run
        ? colours.green(`The call has cost ${given.cost} USD; its run has cost ${run.totals.costUsd}.`)
        : colours.yellow('The call was settled already; nothing was written.'),
    )
  })
}
