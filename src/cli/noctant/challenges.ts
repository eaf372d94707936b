/** `opslog admin challenge`: what people decide about a challenge, a review or an activation. */
import { Argument, Command } from 'commander'
import { type ChallengeCommand, challenge } from '../../commands/noctant/challenge.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { colours, show, text } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

interface ChallengeOptions {
  json?: boolean
  reason?: string
  reference?: string
}

export function challengeCommand(tools: AdminTools): Command {
  const command = new Command('challenge')
  command
    .command('review')
    .argument('<instance>', 'the challenge’s id, or the beginning of it')
    .addArgument(new Argument('<decision>').choices(['approved', 'rejected']))
    .description('decide about a challenge that reached its target and waits in review')
    .option('--reason <reason>', 'kept in the record', text('reason', 1_000))
    .option('--json', 'print JSON')
    .addHelpText('after', examples('6f1d5c1e approved', '6f1d5c1e rejected --reason "trades were copied"'))
    .action((instanceId: string, decision: 'approved' | 'rejected', options: ChallengeOptions) =>
      decide(tools, instanceId, options, (at) => ({ kind: 'review', decision, reason: options.reason ?? null, at })),
    )
  command
    .command('activate')
    .argument('<instance>', 'the challenge’s id, or the beginning of it')
    .description('let a challenge go on whose activation was paid for')
    .option('--reference <reference>', 'of the payment', text('reference', 255))
    .option('--json', 'print JSON')
    .addHelpText('after', examples('6f1d5c1e --reference "invoice 2026-0117"'))
    .action((instanceId: string, options: ChallengeOptions) =>
      decide(tools, instanceId, options, (at) => ({ kind: 'activate', reference: options.reference ?? null, at })),
    )
  return command
}

async function decide(
  { withSession, written }: AdminTools,
  name: string,
  options: ChallengeOptions,
  commandAt: (at: string) => ChallengeCommand,
): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const instanceId = await wholeIdOf({ db }, identified.challenge, name.toLowerCase())
    const circumstances = context()
    const handled = await bus.handle(challenge, instanceId, commandAt(circumstances.at), circumstances)
    const { status } = handled.state
    show({ instance_id: instanceId, status, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`The challenge is ${status} now.`)
        : colours.yellow(`The challenge was ${status} already; nothing was written.`),
    )
  })
}
